import type { Result } from "./protocol";

/** What one utterance says so far. */
export interface Line {
  id: string;
  text: string;
  final: boolean;
  start: number;
  end: number;
  language: string | null;
  speaker: string | null;
}

const lineOf = (result: Result, final: boolean): Line => ({
  id: result.utterance_id,
  text: result.text_content,
  final,
  start: result.start_time,
  end: result.end_time,
  language: result.language,
  speaker: result.speaker,
});

/** A partial gives way to a later one and to a final; a final gives way to nothing. */
export function withPartial(lines: readonly Line[], result: Result): readonly Line[] {
  if (lines.some((line) => line.id === result.utterance_id && line.final)) return lines;
  return placed(lines, lineOf(result, false));
}

/** A final also sweeps away partials of the same stretch that went by another name; an empty one takes its partial back. */
export function withFinal(lines: readonly Line[], result: Result): readonly Line[] {
  if (lines.some((line) => line.id === result.utterance_id && line.final)) return lines;
  const others = lines.filter(
    (line) =>
      line.id === result.utterance_id || line.final || line.start >= result.end_time || line.end <= result.start_time,
  );
  if (result.text_content.trim() === "") return others.filter((line) => line.id !== result.utterance_id);
  return placed(others, lineOf(result, true));
}

export const confirmed = (lines: readonly Line[]) => lines.filter((line) => line.final);

/** The text as one would copy it. */
export const plainText = (lines: readonly Line[]) =>
  confirmed(lines)
    .map((line) => line.text.trim())
    .join(" ");

function placed(lines: readonly Line[], fresh: Line): readonly Line[] {
  const index = lines.findIndex((line) => line.id === fresh.id);
  if (index >= 0) return lines.with(index, fresh);
  // Almost always the last one; another connection may bring an earlier one again.
  let place = lines.length;
  while (place > 0 && (lines[place - 1]?.start ?? 0) > fresh.start) place -= 1;
  return lines.toSpliced(place, 0, fresh);
}
