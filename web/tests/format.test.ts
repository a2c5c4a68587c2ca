import { describe, expect, it } from "vitest";
import { duration, localeOf, relative, shortly } from "../src/i18n/format";

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

describe("a short moment", () => {
  const now = new Date(2026, 0, 10, 12);
  it.each([
    ["en-GB", new Date(2026, 0, 10, 9, 5), "Today, 9:05"],
    ["es", new Date(2026, 0, 9, 23, 59), "Ayer, 23:59"],
    ["en-GB", new Date(2026, 0, 2, 9, 5), "2 Jan, 9:05"],
    ["en-GB", new Date(2025, 11, 31, 9, 5), "31 Dec 2025"],
  ])("in %s, %s is %s", (locale, when, text) => {
    expect(shortly(locale, when.toISOString(), now)).toBe(text);
  });
});

describe("the locale", () => {
  it.each([
    ["en", ["ru-RU", "en-GB", "en-US"], "en-GB"],
    ["es", ["en-GB"], "es"],
  ])("of a page in %s, in a browser that knows %s, is %s", (language, known, locale) => {
    expect(localeOf(language, known)).toBe(locale);
  });
});
