import { describe, expect, it } from "vitest";
import type { Line } from "../src/live";
import { hotWordsOf } from "../src/rooms/live/choices";
import { beginning } from "../src/rooms/live/naming";
import { passages } from "../src/rooms/live/paragraphs";

const line = (text: string, start: number, part: Partial<Line> = {}): Line => ({
  id: `u${start}`,
  text,
  final: true,
  start,
  end: start + 1,
  language: "en",
  speaker: null,
  ...part,
});

describe("a name made of how it begins", () => {
  it.each([
    ["we came home.", "We came home"],
    ["", ""],
    [
      "and mister john dashwood had then leisure to consider how much there might be",
      "And mister john dashwood had then leisure to consider…",
    ],
    ["x".repeat(80), `X${"x".repeat(27)}…`],
  ])("%s", (text, name) => {
    expect(beginning([line(text, 0)])).toBe(name);
  });

  it("leaves out what is not confirmed", () => {
    expect(beginning([line("Yes.", 0), line("but", 2, { final: false })])).toBe("Yes");
  });
});

describe("passages", () => {
  it("join what follows closely, and part at pauses and voices", () => {
    const all = passages([line("a", 0), line("b", 2), line("c", 8), line("d", 9, { speaker: "Ana" })]);
    expect(all.map((one) => [one.start, one.lines.length])).toEqual([
      [0, 2],
      [8, 1],
      [9, 1],
    ]);
  });
});

describe("words to expect", () => {
  it("are told apart by commas and lines", () => {
    expect(hotWordsOf(" Dashwood, Norland;\nBarton ,, ")).toEqual(["Dashwood", "Norland", "Barton"]);
  });
});
