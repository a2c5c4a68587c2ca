import { describe, expect, it } from "vitest";
import { duration, relative } from "../src/i18n/format";

describe("duration", () => {
  it.each([
    [0, "0:00"],
    [59.9, "0:59"],
    [61, "1:01"],
    [3849, "1:04:09"],
    [-3, "0:00"],
  ])("%d seconds is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe("relative", () => {
  const now = Date.parse("2026-01-10T12:00:00Z");
  it.each([
    ["en", "2026-01-10T11:58:00Z", "2 minutes ago"],
    ["es", "2026-01-09T12:00:00Z", "ayer"],
    ["ru", "2026-01-10T14:00:00Z", "через 2 часа"],
    ["en", "2026-01-10T12:00:00.4Z", "now"],
  ])("in %s, %s is %s", (language, when, text) => {
    expect(relative(language, when, now)).toBe(text);
  });
});
