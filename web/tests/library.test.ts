import { describe, expect, it } from "vitest";
import { huesOf, identityOf } from "../src/listening/voices";
import { amountOf, costsSearch, daysOf, summed, type Total } from "../src/rooms/costs/usage";
import { addressOf, conversationSearch, filtersSet, hallQuery, librarySearch } from "../src/rooms/library/filters";
import { type SavedSearch, searchOf } from "../src/rooms/library/savedSearches";

describe("an address of the library", () => {
  it("is read without believing it", () => {
    const wild = {
      q: " ",
      kind: ["calls", "thefts"],
      language: "es",
      tag: [1, ""],
      since: "yesterday",
      order: "chaos",
    };
    expect(librarySearch(wild)).toEqual({ kind: ["calls"], language: ["es"] });
    expect(conversationSearch({ at: 7, view: "cellar" })).toEqual({});
  });

  it("becomes what the server is asked, whole days and minutes", () => {
    const search = librarySearch({ q: "a", since: "2026-03-01", until: "2026-03-01", shortest: 5, order: "time" });
    const query = hallQuery(search, "space-1");
    expect(query).toMatchObject({ space_id: "space-1", min_seconds: 300 });
    const [since, until] = [query.since, query.until].map((moment) => Date.parse(moment ?? ""));
    expect((until ?? 0) - (since ?? 0)).toBe(86_400_000);
    expect(filtersSet(search)).toBe(3);
  });

  it("comes back from a saved search as it was", () => {
    const search = librarySearch({
      q: "refund",
      kind: ["calls"],
      since: "2026-03-01",
      until: "2026-03-31",
      longest: 30,
    });
    const { space_id: _, ...filters } = hallQuery(search, "space-1");
    const saved = { q: search.q, filters } as unknown as SavedSearch;
    expect(searchOf(saved)).toEqual(search);
  });

  it("is written for a download with every value of a filter", () => {
    expect(addressOf("/x", { kind: ["calls", "live"], q: "a b" })).toBe("/x?kind=calls&kind=live&q=a+b");
  });
});

describe("hues", () => {
  const voice = (name: string, person: string | null = null) => ({ voice: name, person, channel: null });

  it("are the same for a person wherever they speak", () => {
    const here = huesOf([voice("Ana", "p-1"), voice("B")]);
    const there = huesOf([voice("C"), voice("D"), voice("Ana M.", "p-1")]);
    expect(here.get("p-1")).toBe(there.get("p-1"));
  });

  it("differ between up to eight voices of one conversation", () => {
    const all = Array.from({ length: 8 }, (_, number) => voice(`speaker ${number}`));
    expect(new Set(huesOf(all).values()).size).toBe(8);
  });

  it("know a channel where there is no name", () => {
    expect(identityOf({ voice: null, person: null, channel: 1 })).toBe("channel 1");
  });
});

describe("costs", () => {
  const total = (part: Partial<Total>): Total => ({
    group: { engine: "whisper" },
    unit: "seconds",
    uses: 2,
    quantity: 90,
    cost: "0.5",
    unpriced_uses: 0,
    latency_ms: null,
    ...part,
  });

  it("never mix what is counted in different units", () => {
    const tokens = total({ unit: "tokens_in", quantity: 7, group: { engine: "openai" } });
    const totals = { currency: "USD", items: [total({}), tokens, total({ quantity: 10 })] };
    expect(amountOf(tokens, "seconds")).toBe(0);
    expect([...summed(totals, "engine", "seconds")]).toEqual([
      ["whisper", 100],
      ["openai", 0],
    ]);
    expect(summed(totals, "engine", "cost").get("whisper")).toBe(1);
  });

  it("know the days of a span, today the last", () => {
    const days = daysOf(30, new Date(2026, 2, 2));
    expect(days).toHaveLength(30);
    expect([days[0], days.at(-1)]).toEqual(["2026-02-01", "2026-03-02"]);
  });

  it("take from an address only what they know", () => {
    expect(costsSearch({ span: 8, measure: "gold" })).toEqual({});
    expect(costsSearch({ span: 7, measure: "uses" })).toEqual({ span: 7, measure: "uses" });
  });
});
