import type { Token } from "../theme/theme";
import type { Paragraph } from "./paragraphs";
import { huesOf, identityOf } from "./voices";

const POINTS = 320;
const SPOKEN = 0.6;

/** Where somebody speaks, as shares of the whole length, in their hue. */
export interface Stretch {
  from: number;
  to: number;
  hue: Token;
}

/** One channel of a recording as the player draws it. */
export interface Lane {
  /** How loud it is over time, 0 to 1. */
  levels: readonly number[];
  /** In the order of time; empty where only one voice is heard. */
  stretches: readonly Stretch[];
}

/** A lane for each channel, in the hues of those who speak in it, so that picture and text agree. */
export function lanesOf(
  all: readonly Paragraph[],
  levels: readonly (readonly number[])[] | undefined,
  length: number,
): Lane[] {
  const channels = new Map<number, Paragraph[]>();
  for (const one of all) {
    if (one.channel !== null) channels.set(one.channel, [...(channels.get(one.channel) ?? []), one]);
  }
  const hues = huesOf(all);
  const stretches = (said: readonly Paragraph[]): Stretch[] =>
    hues.size < 2 || length <= 0
      ? []
      : said.flatMap((one) => {
          const hue = hues.get(identityOf(one));
          return hue ? [{ from: one.start / length, to: one.end / length, hue }] : [];
        });
  if (levels && levels.length > 0) {
    const said = (channel: number) => (levels.length > 1 ? (channels.get(channel) ?? []) : all);
    return levels.map((one, channel) => ({ levels: one, stretches: stretches(said(channel)) }));
  }
  if (channels.size < 2 || length <= 0) return [];
  // Without a measured picture the text itself tells when each channel speaks.
  return [...channels]
    .sort(([a], [b]) => a - b)
    .map(([, said]) => ({ levels: talk(said, length), stretches: stretches(said) }));
}

function talk(said: readonly Paragraph[], length: number): number[] {
  const levels = new Array<number>(POINTS).fill(0);
  for (const { start, end } of said) {
    const from = Math.floor((start / length) * POINTS);
    const to = Math.max(from + 1, Math.ceil((end / length) * POINTS));
    levels.fill(SPOKEN, from, to);
  }
  return levels;
}
