import { describe, expect, it } from "vitest";
import type { Segment } from "../src/api/types";
import { direction, paragraphs } from "../src/rooms/transcribe/paragraphs";

const segment = (text: string, start: number, part: Partial<Segment> = {}): Segment => ({
  text,
  start,
  end: start + 1,
  speaker: null,
  channel: null,
  words: [],
  ...part,
});

describe("paragraphs", () => {
  it("join what one voice says without a pause", () => {
    expect(paragraphs([segment("Hello", 0), segment(" there", 1.5)])).toEqual([
      { voice: null, channel: null, start: 0, end: 2.5, text: "Hello there" },
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

  it("of nothing are none", () => {
    expect(paragraphs([])).toEqual([]);
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
