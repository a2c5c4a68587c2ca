import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSession, type SessionOptions } from "../src/live/session";
import { FakeLine } from "./live-server";

const SECOND = 1000;

let line: FakeLine;

beforeEach(() => {
  vi.useFakeTimers();
  line = new FakeLine();
});

afterEach(() => {
  vi.useRealTimers();
});

function begin(options: Partial<SessionOptions> = {}) {
  const url = "wss://talk.example.org/api/realtime/transcribe?session_id=s-1";
  const session = new LiveSession({ url, token: "tl_first", openSocket: line.open, ...options });
  session.open();
  return session;
}

const say = (session: LiveSession, ...sounds: number[]) => {
  for (const sound of sounds) session.push({ bytes: new Uint8Array([sound]), duration_ms: 100 });
};

const result = (id: string, text: string, part: object = {}) => ({
  utterance_id: id,
  sequence_number: 1,
  text_content: text,
  start_time: 0,
  end_time: 1,
  language: "en",
  speaker: null,
  latency_ms: 5,
  ...part,
});

describe("a session", () => {
  it("opens its socket with the token in the subprotocol, and sends what was said while it opened", () => {
    const session = begin();
    say(session, 7, 8);
    expect(line.last.protocols).toEqual(["tertulia.live.v1", "bearer.tl_first"]);
    expect(line.last.url.searchParams.get("epoch")).toBe("1");
    expect(line.last.arrived).toEqual([]);
    line.last.greet();
    say(session, 9);
    expect(line.last.chunks).toEqual([1, 2, 3]);
    expect(line.last.arrived).toContainEqual({ chunk: 3, bytes: [9] });
    expect(session.view.get()).toMatchObject({ state: "connected", transcriptId: "t-1", heard_ms: 300 });
  });

  it("keeps what is not committed, and sends it again to whichever server answers", () => {
    const session = begin();
    line.last.greet();
    say(session, 1, 2, 3, 4);
    line.last.tell("ack", { received_seq: 4, committed_seq: 2 });
    line.last.end(1006);
    say(session, 5);
    expect(session.view.get().state).toBe("reconnecting");
    vi.advanceTimersByTime(SECOND);
    expect(line.sockets).toHaveLength(2);
    expect(line.last.protocols[1]).toBe("bearer.tl_next");
    line.last.greet({ resumed: true, received_seq: 2, committed_seq: 2, status: "recording" });
    expect(line.last.chunks).toEqual([3, 4, 5]);
    line.last.tell("ack", { received_seq: 5, committed_seq: 5 });
    expect(session.unsent()).toEqual([]);
  });

  it("sends only what the server has not got, though it is not committed", () => {
    const session = begin();
    line.last.greet();
    say(session, 1, 2, 3);
    line.last.end(1006);
    vi.advanceTimersByTime(SECOND);
    line.last.greet({ received_seq: 2, committed_seq: 0 });
    expect(line.last.chunks).toEqual([3]);
    expect(session.unsent()).toHaveLength(3);
  });

  it("tries after 1, 2, 4, 8 and 16 seconds, then gives up and says so, and keeps listening", () => {
    const session = begin();
    line.last.greet();
    line.last.end(1006);
    const waits = [1, 2, 4, 8, 16];
    for (const [index, wait] of waits.entries()) {
      vi.advanceTimersByTime(wait * SECOND - 1);
      expect(line.sockets).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(line.sockets).toHaveLength(index + 2);
      expect(session.view.get().tries.now).toBe(index + 1);
      line.last.end(1006);
    }
    expect(session.view.get()).toMatchObject({
      state: "error",
      failure: { code: "CONNECTION_LOST", recoverable: true },
    });
    say(session, 1);
    vi.advanceTimersByTime(60 * SECOND);
    expect(line.sockets).toHaveLength(6);
    session.retry();
    line.last.greet({ resumed: true });
    expect(line.last.chunks).toEqual([1]);
    expect(session.view.get().failure).toBeNull();
  });

  it("begins the row of waits anew once an ack has come", () => {
    begin();
    line.last.greet();
    line.last.end(1006);
    vi.advanceTimersByTime(SECOND);
    line.last.greet();
    line.last.end(1006);
    vi.advanceTimersByTime(SECOND);
    expect(line.sockets).toHaveLength(2);
    vi.advanceTimersByTime(SECOND);
    line.last.greet();
    line.last.tell("ack", { received_seq: 0, committed_seq: 0 });
    line.last.end(1006);
    vi.advanceTimersByTime(SECOND);
    expect(line.sockets).toHaveLength(4);
  });

  it("takes a server that says nothing for gone", () => {
    begin();
    vi.advanceTimersByTime(10 * SECOND);
    expect(line.last.closed).toBe(true);
    vi.advanceTimersByTime(SECOND);
    line.last.greet();
    vi.advanceTimersByTime(30 * SECOND);
    expect(line.sockets[1]?.closed).toBe(true);
  });

  it("goes elsewhere at once when the server stops", () => {
    begin();
    line.last.greet();
    line.last.end(1001);
    expect(line.sockets).toHaveLength(2);
  });

  it("waits as long as a full server asks", () => {
    begin();
    line.last.tell("error", { code: "HARDWARE_ERROR", recoverable: true, detail: { retry_after_ms: 5000 } });
    line.last.end(1013);
    vi.advanceTimersByTime(4999);
    expect(line.sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(line.sockets).toHaveLength(2);
  });

  it("never comes back by itself after another connection has taken its place", () => {
    const session = begin();
    line.last.greet();
    line.last.end(4009);
    session.networkBack();
    vi.advanceTimersByTime(60 * SECOND);
    expect(line.sockets).toHaveLength(1);
    expect(session.view.get().failure).toEqual({ code: "SUPERSEDED", recoverable: false });
  });

  it("fetches a fresh token when its own is no longer taken", async () => {
    begin({ freshToken: () => Promise.resolve("tl_fresh") });
    line.last.end(4001);
    await vi.advanceTimersByTimeAsync(0);
    expect(line.last.protocols[1]).toBe("bearer.tl_fresh");
    expect(line.sockets).toHaveLength(2);
  });

  it("does not wait when the network is back", () => {
    const session = begin();
    line.last.greet();
    line.last.end(1006);
    session.networkBack();
    expect(line.sockets).toHaveLength(2);
  });

  it("asks a connection that may be dead, and leaves it when nothing comes back", () => {
    const session = begin();
    line.last.greet();
    session.networkLost();
    line.last.tell("pong", {});
    vi.advanceTimersByTime(5 * SECOND);
    expect(line.last.closed).toBe(false);
    session.networkLost();
    vi.advanceTimersByTime(3 * SECOND);
    expect(line.last.closed).toBe(true);
  });

  it("sends again what is missing", () => {
    const session = begin();
    line.last.greet();
    say(session, 1, 2, 3);
    line.last.tell("missing", { from_seq: 2, to_seq: 3 });
    expect(line.last.chunks).toEqual([1, 2, 3, 2, 3]);
  });

  it("holds its sound back while the server asks it to", () => {
    const session = begin();
    line.last.greet();
    say(session, 1);
    line.last.tell("error", {
      code: "MEMORY_LIMIT",
      recoverable: true,
      action: "slow_down",
      detail: { retry_after_ms: 700, sequence_number: 1 },
    });
    say(session, 2);
    expect(line.last.chunks).toEqual([1]);
    vi.advanceTimersByTime(700);
    expect(line.last.chunks).toEqual([1, 1, 2]);
  });

  it("waits while the browser still holds a megabyte", () => {
    const session = begin();
    line.last.greet();
    line.last.bufferedAmount = 2_000_000;
    say(session, 1);
    expect(line.last.chunks).toEqual([]);
    line.last.bufferedAmount = 0;
    vi.advanceTimersByTime(100);
    expect(line.last.chunks).toEqual([1]);
  });
});

describe("what a person wants", () => {
  it("is told after the sound that came before it", () => {
    const session = begin();
    line.last.greet();
    say(session, 1);
    session.pause();
    expect(session.view.get().state).toBe("paused");
    session.resume();
    say(session, 2);
    session.stop();
    expect(line.last.events).toEqual(["pause", "resume", "stop_recording"]);
    expect(line.last.arrived.at(-1)).toEqual({ event: "stop_recording", data: { last_seq: 2 } });
    expect(session.view.get().state).toBe("finalizing");
    line.last.tell("session_completed", { transcript_id: "t-1", status: "completed", reason: "stopped" });
    line.last.end(1000);
    expect(session.view.get()).toMatchObject({ state: "completed", failure: null });
  });

  it("is told again after a cut: all that was said, then the stop", () => {
    const session = begin();
    line.last.greet();
    say(session, 1);
    line.last.end(1006);
    say(session, 2);
    session.stop();
    say(session, 3);
    vi.advanceTimersByTime(SECOND);
    line.last.greet({ received_seq: 0, status: "recording" });
    expect(line.last.chunks).toEqual([1, 2]);
    expect(line.last.events).toEqual(["stop_recording"]);
  });
});

describe("after a reload", () => {
  it("begins an epoch, numbers from where the server says, and is told everything confirmed", () => {
    const session = begin({ again: true });
    say(session, 1);
    expect(line.last.url.searchParams.get("epoch")).toBe("new");
    expect(line.last.url.searchParams.get("finals_after")).toBe("0");
    line.last.greet({ resumed: true, epoch: 2, received_seq: 40, committed_seq: 30, duration_seconds: 4 });
    expect(line.last.chunks).toEqual([41]);
    line.last.tell("transcription_final", { ...result("u1", "Before."), replayed: true });
    expect(session.view.get()).toMatchObject({ heard_ms: 4100, latency_ms: null, lines: [{ text: "Before." }] });
    line.last.end(1006);
    vi.advanceTimersByTime(SECOND);
    expect(line.last.url.searchParams.get("epoch")).toBe("2");
    expect(line.last.url.searchParams.get("finals_after")).toBe("1");
  });

  it("with another recorder waits for what was said, then begins an epoch", async () => {
    const session = begin();
    line.last.greet();
    say(session, 1, 2);
    const done = session.newRecorder();
    expect(line.last.events).toEqual(["pause"]);
    line.last.tell("ack", { received_seq: 2, committed_seq: 2 });
    await done;
    expect(line.last.url.searchParams.get("epoch")).toBe("new");
    say(session, 3);
    line.last.greet({ resumed: true, epoch: 2, received_seq: 2, committed_seq: 2, status: "paused" });
    expect(line.last.events).toEqual(["resume"]);
    expect(line.last.chunks).toEqual([3]);
  });
});

describe("the text", () => {
  const words = (session: LiveSession) => session.view.get().lines.map((one) => [one.text, one.final]);

  it("is replaced while partial, never once final", () => {
    const session = begin();
    line.last.greet();
    line.last.tell("transcription_partial", result("u1", "Hello"));
    line.last.tell("transcription_partial", result("u1", "Hello the"));
    expect(words(session)).toEqual([["Hello the", false]]);
    line.last.tell("transcription_final", result("u1", "Hello there."));
    line.last.tell("transcription_partial", result("u1", "Hello the"));
    line.last.tell("transcription_final", { ...result("u1", "Other"), replayed: true });
    line.last.tell("transcription_partial", result("u2", "Next", { start_time: 1.5, end_time: 2 }));
    expect(words(session)).toEqual([
      ["Hello there.", true],
      ["Next", false],
    ]);
  });

  it("is taken back by an empty final, and kept in the order it was spoken", () => {
    const session = begin();
    line.last.greet();
    line.last.tell("transcription_partial", result("u1", "Hm"));
    line.last.tell("transcription_final", result("u1", ""));
    line.last.tell("transcription_final", result("u3", "Three", { start_time: 3, end_time: 4 }));
    line.last.tell("transcription_final", result("u2", "Two", { start_time: 2, end_time: 3 }));
    expect(words(session).map(([text]) => text)).toEqual(["Two", "Three"]);
  });

  it("keeps a draft in sight over a cut, until the next connection says something new", () => {
    const session = begin();
    line.last.greet();
    line.last.tell("transcription_partial", result("u1", "Hello"));
    line.last.end(1012);
    line.last.greet({ resumed: true });
    line.last.tell("transcription_final", {
      ...result("u0", "Before.", { start_time: -2, end_time: -1 }),
      replayed: true,
    });
    expect(words(session).map(([text]) => text)).toEqual(["Before.", "Hello"]);
    line.last.tell("transcription_partial", result("u2", "Hullo there", { start_time: 2, end_time: 3 }));
    expect(words(session).map(([text]) => text)).toEqual(["Before.", "Hullo there"]);
  });

  it("tells how far it is behind the sound, and warns past three seconds", () => {
    const session = begin();
    line.last.greet();
    say(session, 1);
    vi.advanceTimersByTime(420);
    line.last.tell("transcription_partial", result("u1", "Hello"));
    expect(session.view.get()).toMatchObject({ latency_ms: 420, slow: false });
    line.last.tell("metrics", { latency_ms: 3400, slow: true, audio_quality_score: 0.8 });
    expect(session.view.get()).toMatchObject({ latency_ms: 3400, slow: true, quality: 0.8 });
    line.last.tell("metrics", { latency_ms: 200, slow: false, audio_quality_score: 0.8 });
    expect(session.view.get()).toMatchObject({ latency_ms: 200, slow: false });
  });

  it("survives frames that are no messages", () => {
    const session = begin();
    line.last.greet();
    for (const data of ["", "{", "null", '{"event":"toString","data":{}}', '{"event":"ack","data":null}']) {
      line.last.onmessage?.(new MessageEvent("message", { data }));
    }
    expect(session.view.get().state).toBe("connected");
  });
});
