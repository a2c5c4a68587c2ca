import { describe, expect, it } from "vitest";
import { safeNext } from "../src/router";

describe("where to go after signing in", () => {
  it.each(["/", "/settings/keys", "/transcribe/1?x=2#3"])("%s is a place of this page", (path) => {
    expect(safeNext(path)).toBe(path);
  });

  it.each(["https://example.org", "//example.org", "/\\example.org", "", "settings", 3, undefined])(
    "%s is not",
    (path) => {
      expect(safeNext(path)).toBeUndefined();
    },
  );
});
