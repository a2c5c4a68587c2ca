import type { Piece } from "./capture/capture";
import { Connection, type Ended, type OpenSocket, openSocket, protocolsFor } from "./connection";
import { Outbox } from "./outbox";
import {
  type Completed,
  endingOf,
  type ErrorTold,
  type Metrics,
  type Result,
  type ServerMessage,
  type SessionCreated,
  type SessionState,
} from "./protocol";
import { MOST_TRIES, Retries } from "./retries";
import { Store } from "./store";
import { type Line, withFinal, withPartial } from "./text";

export const SLOW_MS = 3000;
const CONGESTED_MS = 100;
const SLOW_DOWN_MS = 1000;
const DRAIN_MS = 5000;

/** Why a session cannot go on: a code of the protocol's, or one of the client's own. */
export interface Failure {
  code: string;
  /** Whether `retry()` may help. */
  recoverable: boolean;
}

/** Everything there is to show of a session, new after each change. */
export interface LiveView {
  state: SessionState;
  lines: readonly Line[];
  transcriptId: string | null;
  /** From a word's sound to its text, as measured here. */
  latency_ms: number | null;
  slow: boolean;
  /** Sound given so far, and how much a session may have. */
  heard_ms: number;
  duration_limit: number;
  /** Of the last seconds, from 0 to 1; null until the server has said so. */
  quality: number | null;
  /** Which try to come back is under way, of how many. */
  tries: { now: number; most: number };
  /** Whether the server has ever answered. */
  met: boolean;
  failure: Failure | null;
  /** Some sound is lost for good: the server that had it died, and so had the page. */
  lost: boolean;
  completed: Completed | null;
}

export interface SessionOptions {
  /** Where the socket is, with its `session_id`: `wss://host/api/realtime/transcribe?session_id=…`. */
  url: string;
  token: string | null;
  /** Asks for a fresh token when the one at hand is no longer taken. */
  freshToken?: () => Promise<string>;
  /** The recorder of before is gone, as after a reload: a new epoch, and everything confirmed is told again. */
  again?: boolean;
  duration_limit?: number;
  openSocket?: OpenSocket;
}

type Wish = "recording" | "paused" | "stopped";

/** One live session as a client sees it: give it pieces of audio, watch its `view`, and it keeps every word through any cut. */
export class LiveSession {
  readonly view: Store<LiveView>;
  readonly id: string;
  private readonly outbox = new Outbox();
  private readonly retries = new Retries(() => void this.connect());
  private connection: Connection | null = null;
  private ready = false;
  private stale = false;
  private epoch: number | null = null;
  private anew: boolean;
  private wish: Wish = "recording";
  private told: Wish = "recording";
  private token: string | null;
  private before_ms = 0;
  private pushed_ms = 0;
  private holdTimer: ReturnType<typeof setTimeout> | undefined;
  private committed: (() => void) | null = null;

  constructor(private readonly options: SessionOptions) {
    this.id = new URL(options.url).searchParams.get("session_id") ?? "";
    this.token = options.token;
    this.anew = options.again ?? false;
    this.view = new Store<LiveView>({
      state: "connecting",
      lines: [],
      transcriptId: null,
      latency_ms: null,
      slow: false,
      heard_ms: 0,
      duration_limit: options.duration_limit ?? 3600,
      quality: null,
      tries: { now: 0, most: MOST_TRIES },
      met: false,
      failure: null,
      lost: false,
      completed: null,
    });
  }

  /** Opens the socket; called once, all further connections are the session's own affair. */
  open(): void {
    this.connect();
  }

  /** Takes a piece of audio: sent when there is a connection, kept until it is durable text in any case. */
  push(piece: Piece): void {
    const full = this.before_ms + this.pushed_ms >= this.view.get().duration_limit * 1000;
    if (this.over || this.wish === "stopped" || full) return;
    this.pushed_ms += piece.duration_ms;
    this.outbox.push(piece);
    this.view.change({ heard_ms: this.before_ms + this.pushed_ms });
    this.flush();
  }

  pause(): void {
    this.wants("paused");
  }

  resume(): void {
    this.wants("recording");
  }

  /** Ends the session once all that was said is text. */
  stop(): void {
    this.wants("stopped");
  }

  /** Another recorder goes on, whose pieces do not continue the last one's: waits for what was said, then begins an epoch. */
  async newRecorder(): Promise<void> {
    if (!this.outbox.empty && this.ready) {
      this.pause();
      await new Promise<void>((resolve) => {
        this.committed = resolve;
        setTimeout(resolve, DRAIN_MS);
      });
      this.committed = null;
      this.wish = "recording";
    }
    this.outbox.beginAnew();
    this.anew = true;
    this.epoch = null;
    this.leaveConnection();
    this.retries.now();
  }

  /** After giving up: begins a new row of tries. */
  retry(): void {
    if (this.over || this.connection || this.view.get().state !== "error") return;
    this.retries.reset();
    this.view.change({ state: "reconnecting", failure: null });
    this.retries.now();
  }

  /** The network is there again, or the page is awake: no need to wait longer. */
  networkBack(): void {
    if (this.connection) this.connection.check();
    else if (this.retries.waiting) this.retries.now();
    else if (this.view.get().failure?.recoverable) this.retry();
  }

  /** The network seems gone; the connection is asked rather than trusted. */
  networkLost(): void {
    this.connection?.check();
  }

  /** Lets go of the connection and leaves the session as it is; it waits five minutes for a client. */
  leave(): void {
    this.retries.cancel();
    clearTimeout(this.holdTimer);
    this.leaveConnection();
  }

  /** The audio that is not durable text, for handing it over in another way. */
  unsent(): Piece[] {
    return this.outbox.pieces();
  }

  private get over(): boolean {
    const { state, failure } = this.view.get();
    return state === "completed" || (state === "error" && failure?.recoverable !== true);
  }

  private wants(wish: Wish): void {
    if (this.over || this.wish === "stopped" || this.wish === wish) return;
    this.wish = wish;
    if (this.ready) this.view.change({ state: wish === "stopped" ? "finalizing" : wish });
    this.flush();
  }

  private connect(): void {
    if (this.connection || this.over) return;
    const open = this.options.openSocket ?? openSocket;
    const connection = new Connection(open(this.address(), protocolsFor(this.token)), {
      onMessage: (message) => this.take(message),
      onEnd: (ended) => {
        if (this.connection === connection) this.ended(ended);
      },
    });
    this.connection = connection;
  }

  private address(): string {
    const url = new URL(this.options.url);
    url.searchParams.set("epoch", this.anew ? "new" : String(this.epoch ?? 1));
    const { lines, met } = this.view.get();
    const finals = lines.filter((line) => line.final);
    if (met || this.anew) url.searchParams.set("finals_after", String(finals.at(-1)?.end ?? 0));
    return url.href;
  }

  private take(message: ServerMessage): void {
    switch (message.event) {
      case "session_created":
        return this.greeted(message.data);
      case "ack":
        this.retries.reset();
        this.forget(message.data.committed_seq);
        return;
      case "missing":
        for (const chunk of this.outbox.between(message.data.from_seq, message.data.to_seq)) {
          this.connection?.sendChunk(chunk.seq, chunk.bytes);
        }
        return;
      case "transcription_partial":
        return this.view.change({
          lines: withPartial(this.lines(message.data), message.data),
          ...this.delay(message.data),
        });
      case "transcription_final":
        return this.view.change({ lines: withFinal(this.lines(message.data), message.data) });
      case "status":
        return this.becomes(message.data.status);
      case "metrics":
        return this.measured(message.data);
      case "gap":
        return this.view.change({ lost: true });
      case "token":
        this.token = message.data.token;
        return;
      case "error":
        return this.refused(message.data);
      case "session_completed":
        return this.finished(message.data);
    }
  }

  /** The lines so far. Partials of before a cut stay in sight, but are void once the new connection says something new. */
  private lines(result: Result): readonly Line[] {
    const { lines } = this.view.get();
    if (!this.stale || result.replayed) return lines;
    this.stale = false;
    return lines.filter((line) => line.final || line.id === result.utterance_id);
  }

  private greeted(hello: SessionCreated): void {
    this.stale = true;
    this.token = hello.token;
    this.epoch = hello.epoch;
    this.anew = false;
    this.outbox.begin(hello.received_seq);
    this.outbox.rewind(hello.received_seq);
    this.forget(hello.committed_seq);
    this.ready = true;
    // The server's row of states begins anew with each connection; what the person wants is told again.
    this.told = hello.status === "paused" ? "paused" : "recording";
    if (!this.view.get().met) this.before_ms = hello.duration_seconds * 1000;
    const between = hello.status === "reconnecting" || hello.status === "connecting";
    this.view.change({
      met: true,
      failure: null,
      state: this.wish === "stopped" ? "finalizing" : between ? "connected" : hello.status,
      transcriptId: hello.transcript_id,
      duration_limit: hello.duration_limit,
      heard_ms: this.before_ms + this.pushed_ms,
      tries: { now: 0, most: MOST_TRIES },
    });
    this.flush();
  }

  private forget(committed_seq: number): void {
    this.outbox.commit(committed_seq);
    if (this.outbox.empty) this.committed?.();
  }

  /** Sends what can be sent, then what the person wants. */
  private flush(): void {
    const { connection } = this;
    if (!connection || !this.ready || this.holdTimer !== undefined) return;
    if (this.told === "paused" && this.wish === "recording") this.tell(connection);
    for (;;) {
      if (connection.congested) return this.hold(CONGESTED_MS);
      const chunk = this.outbox.next();
      if (!chunk) break;
      connection.sendChunk(chunk.seq, chunk.bytes);
    }
    if (this.told !== this.wish) this.tell(connection);
  }

  private tell(connection: Connection): void {
    this.told = this.wish;
    if (this.wish === "paused") connection.send("pause");
    else if (this.wish === "recording") connection.send("resume");
    else connection.send("stop_recording", { last_seq: this.outbox.last });
  }

  private hold(wait_ms: number): void {
    clearTimeout(this.holdTimer);
    this.holdTimer = setTimeout(() => {
      this.holdTimer = undefined;
      this.flush();
    }, wait_ms);
  }

  private becomes(status: SessionState): void {
    // What the person asked for holds at once; the server's word of before is on its way.
    if (this.wish === "stopped" && status !== "completed" && status !== "error") return;
    if (this.wish === "paused" && status === "recording") return;
    if (status === "error" || status === "completed") return;
    this.view.change({ state: status });
  }

  private delay(result: Result): Partial<LiveView> {
    const captured = this.outbox.capturedAt(result.sequence_number);
    if (result.replayed || captured === null) return {};
    const latency_ms = Math.max(0, Date.now() - captured);
    return { latency_ms, slow: latency_ms > SLOW_MS };
  }

  private measured(metrics: Metrics): void {
    const here = this.view.get();
    const theirs_ms = Math.round(metrics.latency_ms + (this.connection?.roundTrip_ms ?? 0) / 2);
    const slow = metrics.slow || theirs_ms > SLOW_MS;
    // What was measured from sound to word here is the truth, unless the words have stopped coming or have caught up since.
    const latency_ms = slow || here.slow ? theirs_ms : here.latency_ms;
    this.view.change({ slow, quality: metrics.audio_quality_score, latency_ms });
  }

  private refused(error: ErrorTold): void {
    const wait_ms = error.detail?.retry_after_ms ?? SLOW_DOWN_MS;
    if (error.action === "slow_down") this.hold(wait_ms);
    if (["slow_down", "resend_chunk", "resend_from_received_seq"].includes(error.action)) {
      const { sequence_number, reason } = error.detail ?? {};
      // A number the server has under other content stays as it is; sending it once more would change nothing.
      if (sequence_number !== undefined && reason !== "different_content") this.outbox.rewind(sequence_number - 1);
      this.flush();
    }
  }

  private finished(completed: Completed): void {
    this.retries.cancel();
    this.view.change({
      state: "completed",
      completed,
      transcriptId: completed.transcript_id,
      lines: this.view.get().lines.filter((line) => line.final),
    });
  }

  private ended({ code, error }: Ended): void {
    this.connection = null;
    this.ready = false;
    clearTimeout(this.holdTimer);
    this.holdTimer = undefined;
    if (this.view.get().completed) return;
    switch (endingOf(code)) {
      case "superseded":
        return this.fail("SUPERSEDED", false);
      case "over":
      case "done":
      case "refused":
        return this.fail(error?.code ?? "INVALID_SESSION", false);
      case "token":
        return this.withFreshToken();
      case "at_once":
        this.view.change({ state: "reconnecting" });
        if (this.retries.count === 0) return this.retryAtOnce();
        return this.later(0);
      case "later":
        return this.later(error?.detail?.retry_after_ms ?? 0);
      case "cut":
        return this.later(0);
    }
  }

  private retryAtOnce(): void {
    this.retries.plan();
    this.retries.now();
  }

  private later(at_least_ms: number): void {
    if (!this.retries.plan(at_least_ms)) return this.fail("CONNECTION_LOST", true);
    const state = this.view.get().met ? "reconnecting" : "connecting";
    this.view.change({ state, tries: { now: this.retries.count, most: MOST_TRIES } });
  }

  private withFreshToken(): void {
    const { freshToken } = this.options;
    if (!freshToken || !this.retries.plan()) return this.fail("NOT_AUTHORIZED", false);
    this.retries.cancel();
    this.view.change({ state: this.view.get().met ? "reconnecting" : "connecting" });
    freshToken().then(
      (token) => {
        this.token = token;
        this.connect();
      },
      () => this.later(0),
    );
  }

  private fail(code: string, recoverable: boolean): void {
    this.retries.cancel();
    this.view.change({ state: "error", failure: { code, recoverable } });
  }

  private leaveConnection(): void {
    const { connection } = this;
    this.connection = null;
    this.ready = false;
    connection?.drop();
  }
}
