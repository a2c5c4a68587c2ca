import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveCallError, type LiveServer } from "../src/live/api";
import type { Piece } from "../src/live/capture/capture";
import type * as microphone from "../src/live/capture/microphone";
import type { MicrophoneOptions } from "../src/live/capture/microphone";
import type { OneTab } from "../src/live/oneTab";
import { Conversation, type LiveChoices } from "../src/rooms/live/conversation";
import { remember } from "../src/rooms/live/remembered";
import { FakeLine } from "./live-server";

const devices = vi.hoisted(() => ({
  opened: [] as MicrophoneOptions[],
  closed: 0,
  refuses: null as string | null,
}));

vi.mock("../src/live/capture/microphone", async (original) => {
  const real = await original<typeof microphone>();
  class FakeMicrophone {
    deviceId = "mic-1";
    static open(options: MicrophoneOptions) {
      if (devices.refuses) return Promise.reject(new real.MicrophoneError("refused"));
      devices.opened.push(options);
      return Promise.resolve(new FakeMicrophone());
    }
    listen = () => Promise.resolve();
    level = () => 0.5;
    pause = () => {};
    resume = () => Promise.resolve();
    wake = () => Promise.resolve();
    close = () => {
      devices.closed += 1;
      return Promise.resolve();
    };
  }
  return { ...real, Microphone: FakeMicrophone, wayFor: () => Promise.resolve("pcm") };
});

const choices: LiveChoices = { language: "", engine: "", microphone: "", way: "pcm" };

const freeTab = (): OneTab => ({
  take: () => Promise.resolve(true),
  takeOver: () => Promise.resolve(),
  leave: () => {},
  elsewhere: () => Promise.resolve(false),
  watch: () => () => {},
});

const server = (part: object = {}) =>
  ({
    create: vi.fn(() => Promise.resolve({ session_id: "s-1", token: "tl", duration_limit: 3600 })),
    get: vi.fn(() => Promise.resolve({ status: "reconnecting", confirmed_text: "What was said." })),
    end: vi.fn(() => Promise.resolve()),
    token: vi.fn(() => Promise.resolve("tl_again")),
    socket: (id: string) => `ws://here/api/realtime/transcribe?session_id=${id}`,
    ...part,
  }) as unknown as LiveServer;

const say = (sound: number) => {
  const piece: Piece = { bytes: new Uint8Array([sound, sound]), duration_ms: 100 };
  devices.opened.at(-1)?.onPiece(piece);
};

let line: FakeLine;

beforeEach(() => {
  vi.useFakeTimers();
  line = new FakeLine();
  devices.opened.length = 0;
  devices.closed = 0;
  devices.refuses = null;
  sessionStorage.clear();
  vi.stubGlobal("WebSocket", function open(url: string, protocols: string[]) {
    return line.open(url, protocols);
  });
});

afterEach(() => {
  vi.useRealTimers();
});

async function begun(calls: LiveServer = server()) {
  const talk = new Conversation(calls, freeTab());
  const starting = talk.start(choices, {});
  await vi.advanceTimersByTimeAsync(0);
  await starting;
  return talk;
}

const heard = async (file: File | null) => [...new Uint8Array(await (file ?? new Blob()).arrayBuffer()).slice(44)];

describe("a conversation", () => {
  it("loses no word said while its session is being made", async () => {
    let made: (answer: object) => void = () => {};
    const calls = server({ create: () => new Promise((resolve) => (made = resolve)) });
    const talk = new Conversation(calls, freeTab());
    const starting = talk.start(choices, {});
    await vi.advanceTimersByTimeAsync(0);
    say(1);
    made({ session_id: "s-1", token: "tl", duration_limit: 600 });
    await starting;
    say(2);
    line.last.greet();
    expect(line.last.chunks).toEqual([1, 2]);
    expect(talk.view.get().stage).toBe("running");
  });

  it("ends when its text is whole, and lets go of the microphone", async () => {
    const talk = await begun();
    line.last.greet();
    say(1);
    await talk.stop();
    expect(line.last.events).toEqual(["stop_recording"]);
    line.last.tell("session_completed", { transcript_id: "t-1", status: "completed", reason: "stopped" });
    await vi.advanceTimersByTimeAsync(0);
    expect(talk.view.get()).toMatchObject({ stage: "done", tape: null });
    expect(devices.closed).toBe(1);
  });

  it("is recorded here when the server is full, and goes as a recording", async () => {
    const calls = server({ create: () => Promise.reject(new LiveCallError(503, "live_full", "", null)) });
    const talk = await begun(calls);
    say(7);
    expect(talk.view.get()).toMatchObject({ stage: "running", recording: "full", recorded_ms: 100 });
    await talk.stop();
    expect(talk.view.get().stage).toBe("done");
    expect(await heard(talk.view.get().tape)).toEqual([7, 7]);
  });

  it("is recorded here when sockets do not get through, with everything said so far", async () => {
    const end = vi.fn(() => Promise.resolve());
    const talk = await begun(server({ end }));
    say(1);
    for (const wait of [1000, 2000, 4000]) {
      line.last.end(1006);
      await vi.advanceTimersByTimeAsync(wait);
    }
    expect(talk.view.get().recording).toBe("sockets");
    expect(end).toHaveBeenCalledWith("s-1");
    say(2);
    await talk.stop();
    expect(await heard(talk.view.get().tape)).toEqual([1, 1, 2, 2]);
  });

  it("hands over as a recording what a lost server never turned into text", async () => {
    const talk = await begun();
    line.last.greet();
    say(1);
    say(2);
    line.last.tell("ack", { received_seq: 2, committed_seq: 1 });
    for (const wait of [1000, 2000, 4000, 8000, 16_000]) {
      line.last.end(1006);
      await vi.advanceTimersByTimeAsync(wait);
    }
    line.last.end(1006);
    expect(talk.view.get().stage).toBe("running");
    say(3);
    await talk.stop();
    expect(await heard(talk.view.get().tape)).toEqual([2, 2, 3, 3]);
  });

  it("says so when the server refuses it, and closes the microphone", async () => {
    const calls = server({ create: () => Promise.reject(new LiveCallError(403, "forbidden", "", "c-1")) });
    const talk = await begun(calls);
    expect(talk.view.get()).toMatchObject({ stage: "idle", failure: { code: "forbidden" } });
    expect(devices.closed).toBe(1);
  });

  it("does not begin without a microphone", async () => {
    devices.refuses = "refused";
    const create = vi.fn();
    const talk = await begun(server({ create }));
    expect(talk.view.get()).toMatchObject({ stage: "idle", trouble: "refused" });
    expect(create).not.toHaveBeenCalled();
  });

  it("pauses when the microphone is unplugged, and goes on with another", async () => {
    const talk = await begun();
    line.last.greet();
    say(1);
    devices.opened[0]?.onLost("unplugged");
    expect(talk.view.get()).toMatchObject({ trouble: "unplugged", paused: true });
    expect(line.last.events).toEqual(["pause"]);
    await talk.changeMicrophone("mic-2");
    expect(devices.opened.at(-1)?.deviceId).toBe("mic-2");
    await talk.resume();
    say(2);
    expect(line.last.events).toEqual(["pause", "resume"]);
    expect(line.last.chunks).toEqual([1, 2]);
    expect(talk.view.get().trouble).toBeNull();
  });

  it("is found again after a reload, and goes on in a new epoch", async () => {
    remember({ id: "s-1", way: "pcm" });
    const talk = new Conversation(server(), freeTab());
    await talk.lookBack();
    expect(talk.view.get()).toMatchObject({ stage: "interrupted", interrupted: { text: "What was said." } });
    await talk.goOn(choices);
    expect(line.last.url.searchParams.get("epoch")).toBe("new");
    expect(talk.view.get().stage).toBe("running");
  });

  it("is forgotten after a reload when it is over", async () => {
    remember({ id: "s-1", way: "pcm" });
    const talk = new Conversation(server({ get: () => Promise.resolve({ status: "completed" }) }), freeTab());
    await talk.lookBack();
    expect(talk.view.get().stage).toBe("idle");
    expect(sessionStorage.length).toBe(0);
  });

  it("leaves the place to another tab that asks for it", async () => {
    let asked: () => void = () => {};
    const tab = { ...freeTab(), take: (onAsked: () => void) => Promise.resolve(((asked = onAsked), true)) };
    const talk = new Conversation(server(), tab);
    await talk.start(choices, {});
    line.last.greet();
    asked();
    await vi.advanceTimersByTimeAsync(0);
    expect(line.last.events).toEqual(["stop_recording"]);
  });
});
