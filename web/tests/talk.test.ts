import { describe, expect, it } from "vitest";
import { events } from "../src/rooms/talk/asking";
import { OVER_THE_BOT, PAUSE_MS, SPEAKING, Turn } from "../src/rooms/talk/ear";
import { decoded } from "../src/rooms/talk/mouth";
import { turnsSearch } from "../src/rooms/turns/turns";

function stream(...parts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
}

describe("events", () => {
  it("are found wherever the line was cut", async () => {
    const whole = 'event: reply\ndata: {"delta":"niño"}\n\nevent: done\ndata: {"x":1}\n\n';
    const bytes = [...whole].map((_, at) => whole.slice(at, at + 1));
    const found = [];
    for await (const event of events(stream(...bytes))) found.push(event);
    expect(found).toEqual([
      { event: "reply", data: { delta: "niño" } },
      { event: "done", data: { x: 1 } },
    ]);
  });

  it("that are not whole are left out", async () => {
    const found = [];
    for await (const event of events(stream(": a comment\n\nevent: reply\ndata: {"))) found.push(event);
    expect(found).toEqual([]);
  });
});

describe("a turn of speech", () => {
  const run = (levels: [level: number, ms: number][]) => {
    let now = 0;
    const turn = new Turn(() => now);
    let heard = "";
    for (const [level, ms] of levels) {
      for (const end = now + ms; now < end;) {
        now += 50;
        heard = turn.look(level);
        if (heard !== "goes on") return { heard, now };
      }
    }
    return { heard, now };
  };
  const loud = SPEAKING + 0.1;

  it("is over once one has spoken and paused", () => {
    expect(
      run([
        [0, 500],
        [loud, 1000],
        [0, 5000],
      ]),
    ).toEqual({ heard: "over", now: 1500 + PAUSE_MS });
  });

  it("goes on through a breath, and a knock is no speech", () => {
    expect(
      run([
        [loud, 500],
        [0, PAUSE_MS - 100],
        [loud, 100],
      ]).heard,
    ).toBe("goes on");
    expect(
      run([
        [loud, 100],
        [0, 4000],
      ]).heard,
    ).toBe("goes on");
  });

  it("over a bot that is heard too must be louder", () => {
    let now = 0;
    const turn = new Turn(() => now);
    const speak = (level: number, bar: number) => {
      for (const end = now + 500; now < end;) {
        now += 50;
        turn.look(level, bar);
      }
      return turn.spoken;
    };
    expect(speak(loud, Number.POSITIVE_INFINITY)).toBe(false);
    expect(speak(loud, OVER_THE_BOT)).toBe(false);
    expect(speak(OVER_THE_BOT + 0.1, OVER_THE_BOT)).toBe(true);
  });

  it("is begun afresh when nobody speaks", () => {
    expect(run([[0, 20_000]]).heard).toBe("stale");
  });
});

it("sound in base64 becomes samples", () => {
  expect([...decoded(btoa("\x00\x00\xff\x7f\x00\x80"))]).toEqual([0, 32_767 / 32_768, -1]);
});

it("an address says which turns are looked for", () => {
  expect(turnsSearch({ user: "ana", tag: 7, failed: true, charts: "x", key: "" })).toEqual({
    user: "ana",
    tag: "7",
    failed: true,
  });
});
