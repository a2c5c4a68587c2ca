import type { Line } from "../../live";

const PAUSE_SECONDS = 2.5;
const LONGEST_SECONDS = 90;

/** What is said in one breath by one voice. */
export interface Passage {
  start: number;
  speaker: string | null;
  lines: Line[];
}

/** Joins utterances that follow each other closely, so that they read as prose. */
export function passages(lines: readonly Line[]): Passage[] {
  const all: Passage[] = [];
  let end = 0;
  for (const line of lines) {
    const last = all.at(-1);
    const joins =
      last !== undefined &&
      last.speaker === line.speaker &&
      line.start - end < PAUSE_SECONDS &&
      line.end - last.start < LONGEST_SECONDS;
    if (joins) last.lines.push(line);
    else all.push({ start: line.start, speaker: line.speaker, lines: [line] });
    end = line.end;
  }
  return all;
}
