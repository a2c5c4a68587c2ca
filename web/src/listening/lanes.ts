import type { Token } from "../theme/theme";
import type { Paragraph } from "./paragraphs";
import { huesOf, identityOf } from "./voices";

const POINTS = 320;
const SPOKEN = 0.6;

/** One channel of a recording as the player draws it. */
export interface Lane {
  /** How loud it is over time, 0 to 1. */
  levels: readonly number[];
  hue: Token | null;
}

/** A lane for each channel, in the hue of whoever speaks in it, so that picture and text agree. */
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
  const hueOfChannel = (channel: number) => {
    const speaking = channels.get(channel)?.[0];
    return speaking && channels.size > 1 ? (hues.get(identityOf(speaking)) ?? null) : null;
  };
  if (levels && levels.length > 0) return levels.map((one, channel) => ({ levels: one, hue: hueOfChannel(channel) }));
  if (channels.size < 2 || length <= 0) return [];
  // Without a measured picture the text itself tells when each channel speaks.
  return [...channels]
    .sort(([a], [b]) => a - b)
    .map(([channel, said]) => ({ levels: talk(said, length), hue: hueOfChannel(channel) }));
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
