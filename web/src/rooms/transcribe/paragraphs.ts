import type { Segment } from "../../api/types";

const PAUSE_SECONDS = 2;
const LONGEST_SECONDS = 60;

export interface Paragraph {
  /** Who speaks: a name from the engine, or the channel it was heard on. */
  voice: string | null;
  channel: number | null;
  start: number;
  end: number;
  text: string;
}

/** Joins what one voice says without a pause, so that it reads as prose. */
export function paragraphs(segments: readonly Segment[]): Paragraph[] {
  const result: Paragraph[] = [];
  for (const segment of segments) {
    const voice = segment.speaker ?? null;
    const channel = segment.channel ?? null;
    const last = result.at(-1);
    const joins =
      last !== undefined &&
      last.voice === voice &&
      last.channel === channel &&
      segment.start - last.end < PAUSE_SECONDS &&
      segment.end - last.start < LONGEST_SECONDS;
    if (joins) {
      last.text = `${last.text} ${segment.text.trim()}`;
      last.end = segment.end;
    } else {
      result.push({ voice, channel, start: segment.start, end: segment.end, text: segment.text.trim() });
    }
  }
  return result;
}

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);

export const direction = (language: string | null | undefined) =>
  language && RIGHT_TO_LEFT.has(language.slice(0, 2)) ? "rtl" : "ltr";
