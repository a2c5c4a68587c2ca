import { describe, expect, it } from "vitest";
import { lanesOf } from "../src/listening/lanes";
import type { Paragraph } from "../src/listening/paragraphs";
import { afterSilence, spokenStretches } from "../src/listening/silence";

const said = (start: number, end: number, channel: number | null = null): Paragraph => ({
  voice: null,
  person: null,
  channel,
  start,
  end,
  text: "words",
  words: [],
  parts: [],
});

describe("silence", () => {
  const spoken = spokenStretches([said(10, 20), said(2, 4), said(4.5, 6), said(15, 17)]);

  it("is what lies between stretches in which anybody speaks", () => {
    expect(spoken).toEqual([
      { start: 2, end: 6 },
      { start: 10, end: 20 },
    ]);
  });

  it.each([
    [0, 1.75],
    [1.5, null],
    [3, null],
    [6.1, null],
    [6.5, 9.75],
    [9.5, null],
    [12, null],
    [25, null],
  ])("at %d s is left for %s", (seconds, landing) => {
    expect(afterSilence(spoken, seconds)).toBe(landing);
  });
});

describe("lanes", () => {
  it("show when each channel speaks, each in the hue of its voice", () => {
    const lanes = lanesOf([said(0, 50, 0), said(50, 100, 1)], undefined, 100);
    expect(lanes.map((lane) => [lane.levels[10], lane.levels[300]])).toEqual([
      [0.6, 0],
      [0, 0.6],
    ]);
    expect(lanes.map((lane) => lane.stretches.map(({ from, to }) => [from, to]))).toEqual([[[0, 0.5]], [[0.5, 1]]]);
    expect(lanes[0]?.stretches[0]?.hue).not.toBe(lanes[1]?.stretches[0]?.hue);
  });

  it("are drawn as measured where that is known, without a hue for a single voice", () => {
    expect(lanesOf([said(0, 1)], [[0.1, 0.9]], 1)).toEqual([{ levels: [0.1, 0.9], stretches: [] }]);
  });

  it("are none for one channel that nobody measured", () => {
    expect(lanesOf([said(0, 1, 0)], undefined, 1)).toEqual([]);
  });
});
