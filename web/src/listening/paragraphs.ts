const PAUSE_SECONDS = 2;
const LONGEST_SECONDS = 60;

/** A stretch of speech as any door keeps it; seconds from the start of the recording. */
export interface Spoken {
  text: string;
  start: number;
  end: number;
  speaker: string | null;
  channel: number | null;
  words: readonly { text: string; start: number; end: number }[];
  /** Who speaks in all conversations, where that is known. */
  person?: string | null;
  utterance_id?: string;
}

/** A word's times, and where it stands in its paragraph's text. */
export interface SpokenWord {
  start: number;
  end: number;
  from: number;
  to: number;
}

/** One of the segments a paragraph is joined from, and where its text stands. */
export interface Part {
  id: string;
  start: number;
  from: number;
  to: number;
}

export interface Paragraph {
  /** Who speaks, as the engine names them. */
  voice: string | null;
  person: string | null;
  channel: number | null;
  start: number;
  end: number;
  text: string;
  words: SpokenWord[];
  parts: Part[];
}

/** Joins what one voice says without a pause, so that it reads as prose. */
export function paragraphs(segments: readonly Spoken[]): Paragraph[] {
  const result: Paragraph[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    const joins =
      last !== undefined &&
      last.voice === segment.speaker &&
      last.person === (segment.person ?? null) &&
      last.channel === segment.channel &&
      segment.start - last.end < PAUSE_SECONDS &&
      segment.end - last.start < LONGEST_SECONDS;
    if (joins) append(last, segment);
    else result.push(begin(segment));
  }
  return result;
}

function begin(segment: Spoken): Paragraph {
  const { speaker, person, channel, start } = segment;
  const who = { voice: speaker, person: person ?? null, channel };
  const paragraph: Paragraph = { ...who, start, end: start, text: "", words: [], parts: [] };
  append(paragraph, segment);
  return paragraph;
}

function append(paragraph: Paragraph, segment: Spoken): void {
  const base = paragraph.text === "" ? 0 : paragraph.text.length + 1;
  const text = segment.text.trim();
  paragraph.text = base === 0 ? text : `${paragraph.text} ${text}`;
  paragraph.end = segment.end;
  paragraph.parts.push({
    id: segment.utterance_id ?? "",
    start: segment.start,
    from: base,
    to: paragraph.text.length,
  });
  let cursor = base;
  for (const word of segment.words) {
    const spelled = word.text.trim();
    const from = spelled === "" ? -1 : paragraph.text.indexOf(spelled, cursor);
    // An engine may spell a word otherwise in the text; it is then simply not marked.
    if (from < 0) continue;
    cursor = from + spelled.length;
    paragraph.words.push({ start: word.start, end: word.end, from, to: cursor });
  }
}

/** The last of those sorted by start that has begun at this time. */
export function begun<T extends { start: number }>(sorted: readonly T[], seconds: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.start ?? Number.POSITIVE_INFINITY) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);

export const direction = (language: string | null | undefined) =>
  language && RIGHT_TO_LEFT.has(language.slice(0, 2)) ? "rtl" : "ltr";
