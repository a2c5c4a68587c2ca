import { describe, expect, it } from "vitest";
import type { Segment } from "../src/api/types";
import { begun, direction, paragraphs } from "../src/listening/paragraphs";

const segment = (text: string, start: number, part: Partial<Segment> = {}): Segment => ({
  text,
  start,
  end: start + 1,
  speaker: null,
  channel: null,
  language: null,
  confidence: null,
  words: [],
  ...part,
});

describe("paragraphs", () => {
  it("join what one voice says without a pause", () => {
    const parts = [
      { id: "", start: 0, from: 0, to: 5 },
      { id: "", start: 1.5, from: 6, to: 11 },
    ];
    expect(paragraphs([segment("Hello", 0), segment(" there", 1.5)])).toEqual([
      { voice: null, person: null, channel: null, start: 0, end: 2.5, text: "Hello there", words: [], parts },
    ]);
  });

  it("part at a pause, at another voice, at another channel and after a minute", () => {
    const talk = [
      segment("one", 0),
      segment("two", 5),
      segment("three", 6, { speaker: "A" }),
      segment("four", 7, { speaker: "A", channel: 1 }),
      ...Array.from({ length: 70 }, (_, second) => segment("on", 8 + second, { speaker: "A", channel: 1 })),
    ];
    expect(paragraphs(talk).map((one) => one.start)).toEqual([0, 5, 6, 7, 66]);
  });

  it("know where each word stands in the text", () => {
    const word = (text: string, start: number) => ({ text, start, end: start + 0.4, confidence: null });
    const first = segment("To be,", 0, { words: [word("To", 0), word("be,", 0.5)] });
    const second = segment("or not to be", 1.2, { words: [word(" or", 1.2), word("knot", 1.4), word("be", 1.9)] });
    const [one] = paragraphs([first, second]);
    expect(one?.words.map(({ from, to }) => one.text.slice(from, to))).toEqual(["To", "be,", "or", "be"]);
    expect(one?.words.at(-1)).toMatchObject({ start: 1.9, from: 17 });
  });

  it("of nothing are none", () => {
    expect(paragraphs([])).toEqual([]);
  });
});

describe("begun", () => {
  it.each([
    [-1, -1],
    [0, 0],
    [4.9, 0],
    [5, 1],
    [100, 2],
  ])("at %d s it is number %d", (seconds, index) => {
    expect(begun([{ start: 0 }, { start: 5 }, { start: 9 }], seconds)).toBe(index);
  });
});

describe("direction", () => {
  it.each([
    ["he", "rtl"],
    ["ar-EG", "rtl"],
    ["es", "ltr"],
    [null, "ltr"],
  ])("%s is read %s", (language, expected) => {
    expect(direction(language)).toBe(expected);
  });
});
