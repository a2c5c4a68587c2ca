import {
  followPage,
  LiveCallError,
  LiveSession,
  Microphone,
  MicrophoneError,
  type MicrophoneTrouble,
  mimeTypes,
  type OneTab,
  type SessionWishes,
  stayAwake,
  type Way,
  wayFor,
} from "../../live";
import type { LiveServer } from "../../live/api";
import { Store } from "../../live/store";
import { forget, recall, remember, type Remembered } from "./remembered";
import { Tape } from "./tape";

/** Tries to reach the socket for the first time before the recording is kept here instead. */
const PATIENCE_TRIES = 2;

export interface LiveChoices {
  language: string;
  engine: string;
  microphone: string;
  way: Way;
}

export type Stage = "idle" | "elsewhere" | "interrupted" | "starting" | "running" | "done";

/** Why the words come later than the voice: sockets do not get through, the server is full, or it is away. */
export type Reason = "sockets" | "full" | "away";

export interface ConversationView {
  stage: Stage;
  session: LiveSession | null;
  /** Set while a recording is made instead, to be sent afterwards. */
  recording: Reason | null;
  recorded_ms: number;
  paused: boolean;
  trouble: MicrophoneTrouble | null;
  failure: Error | null;
  /** Whether the screen is kept from sleeping; null before it was asked. */
  awake: boolean | null;
  /** What was found of a conversation that a reload interrupted. */
  interrupted: (Remembered & { text: string }) | null;
  /** A recording to be sent when the conversation is over. */
  tape: File | null;
}

const idle: ConversationView = {
  stage: "idle",
  session: null,
  recording: null,
  recorded_ms: 0,
  paused: false,
  trouble: null,
  failure: null,
  awake: null,
  interrupted: null,
  tape: null,
};

/** One conversation of this tab: the microphone, the session it feeds, and what is done when either fails. */
export class Conversation {
  readonly view = new Store<ConversationView>(idle);
  private microphone: Microphone | null = null;
  private tape: Tape | null = null;
  private way: Way = "pcm";
  private choices: LiveChoices | null = null;
  private endings: (() => void)[] = [];
  private stopping = false;

  constructor(
    private readonly server: LiveServer,
    private readonly tab: OneTab,
  ) {}

  /** How loud it is just now, from 0 to 1. */
  level(): number {
    return this.view.get().paused ? 0 : (this.microphone?.level() ?? 0);
  }

  get microphoneId(): string | undefined {
    return this.microphone?.deviceId;
  }

  /** Looks for a conversation that a reload of this tab interrupted. */
  async lookBack(): Promise<void> {
    const kept = recall();
    // A copied tab remembers the same conversation, which goes on in the other one.
    if (!kept || this.view.get().stage !== "idle" || (await this.tab.elsewhere())) return;
    const found = await this.server.get(kept.id).catch(() => null);
    if (!found || found.status === "completed" || found.status === "error") return forget();
    if (this.view.get().stage !== "idle") return;
    this.view.change({ stage: "interrupted", interrupted: { ...kept, text: found.confirmed_text } });
  }

  async start(choices: LiveChoices, wishes: SessionWishes): Promise<void> {
    if (!(await this.ready(choices))) return;
    try {
      const made = await this.server.create({ ...wishes, mime_type: mimeTypes[this.way] });
      if (this.stopping) return await this.server.end(made.session_id);
      remember({ id: made.session_id, way: this.way });
      this.follow(made.session_id, made.token, made.duration_limit, false);
    } catch (failure) {
      this.couldNotBegin(failure);
    }
  }

  /** Goes on with the conversation that was interrupted. */
  async goOn(choices: LiveChoices): Promise<void> {
    const { interrupted } = this.view.get();
    if (!interrupted || !(await this.ready({ ...choices, way: interrupted.way }))) return;
    try {
      const token = await this.server.token(interrupted.id);
      this.follow(interrupted.id, token, undefined, true);
    } catch (failure) {
      this.couldNotBegin(failure);
    }
  }

  /** Ends the interrupted conversation as it is. */
  async letBe(): Promise<void> {
    const { interrupted } = this.view.get();
    forget();
    this.view.change({ ...idle });
    if (interrupted) await this.server.end(interrupted.id).catch(() => {});
  }

  pause(): void {
    const { stage, session } = this.view.get();
    if (stage !== "running") return;
    this.microphone?.pause();
    session?.pause();
    this.view.change({ paused: true });
  }

  async resume(): Promise<void> {
    await this.microphone?.resume();
    this.view.get().session?.resume();
    this.view.change({ paused: false });
  }

  /** Ends it: the last words become text, or the recording goes on its way. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    const { session, recording } = this.view.get();
    await this.closeMicrophone();
    if (recording || !session) return this.finish(this.tape?.file() ?? null);
    if (session.view.get().state === "error") return this.finishBroken(session);
    session.stop();
  }

  /** Another microphone takes over while it runs. */
  async changeMicrophone(deviceId: string): Promise<void> {
    const { session, paused } = this.view.get();
    if (!this.choices) return;
    this.choices = { ...this.choices, microphone: deviceId };
    const renew = this.way !== "pcm" && session;
    await this.closeMicrophone();
    if (renew) await session.newRecorder();
    if (!(await this.openMicrophone(this.choices))) return;
    if (paused) this.microphone?.pause();
  }

  /** The tab that has the conversation ends it, and this one is free to begin. */
  async takeOver(): Promise<void> {
    await this.tab.takeOver(() => void this.stop());
    this.view.change({ ...idle });
  }

  /** Back to the beginning, for the next conversation. */
  again(): void {
    this.view.change({ ...idle });
  }

  private async ready(choices: LiveChoices): Promise<boolean> {
    this.view.change({ failure: null, trouble: null });
    if (!(await this.tab.take(() => void this.stop()))) {
      this.view.change({ stage: "elsewhere" });
      return false;
    }
    this.choices = choices;
    this.stopping = false;
    const before = this.view.get().stage;
    this.view.change({ stage: "starting", recorded_ms: 0, recording: null, session: null, paused: false });
    try {
      this.way = await wayFor(choices.way);
      this.tape = new Tape(this.way);
    } catch (failure) {
      this.microphoneFailed(failure);
      this.view.change({ stage: before });
      return false;
    }
    if (await this.openMicrophone(choices)) {
      await this.begin();
      return true;
    }
    this.tab.leave();
    this.view.change({ stage: before });
    return false;
  }

  private async begin(): Promise<void> {
    const awake = await stayAwake();
    if (awake) this.endings.push(awake);
    const asleep = { networkBack: () => {}, networkLost: () => {} };
    this.endings.push(followPage(asleep, () => void this.microphone?.wake()));
    this.view.change({ awake: awake !== null });
  }

  private async openMicrophone(choices: LiveChoices): Promise<boolean> {
    try {
      const microphone = await Microphone.open({
        deviceId: choices.microphone || undefined,
        way: this.way,
        onPiece: (piece) => this.heard(piece),
        onLost: (trouble) => {
          if (this.microphone !== microphone) return;
          this.view.change({ trouble });
          this.pause();
        },
      });
      this.microphone = microphone;
      await microphone.listen();
      this.view.change({ trouble: null });
      return true;
    } catch (failure) {
      this.microphoneFailed(failure);
      return false;
    }
  }

  private microphoneFailed(failure: unknown): void {
    this.view.change({ trouble: failure instanceof MicrophoneError ? failure.trouble : "missing" });
  }

  private async closeMicrophone(): Promise<void> {
    const { microphone } = this;
    this.microphone = null;
    await microphone?.close();
  }

  private heard(piece: { bytes: Uint8Array<ArrayBuffer>; duration_ms: number }): void {
    const { session, recording } = this.view.get();
    if (session && !recording) return session.push(piece);
    // Before there is a session, or instead of one.
    this.tape?.add(piece);
    if (recording) this.view.change({ recorded_ms: this.tape?.length_ms ?? 0 });
  }

  private follow(id: string, token: string, duration_limit: number | undefined, again: boolean): void {
    const session = new LiveSession({
      url: this.server.socket(id),
      token,
      freshToken: () => this.server.token(id),
      again,
      ...(duration_limit && { duration_limit }),
    });
    this.endings.push(
      followPage(session),
      session.view.subscribe(() => this.watch(session, id)),
    );
    this.view.change({ stage: "running", session, interrupted: null });
    for (const piece of this.tape?.take() ?? []) session.push(piece);
    session.open();
  }

  private watch(session: LiveSession, id: string): void {
    const here = this.view.get();
    if (here.session !== session || here.stage !== "running" || here.recording) return;
    const { state, met, tries, failure } = session.view.get();
    if (state === "completed") return void this.closeMicrophone().then(() => this.finish(null));
    if (!met && (tries.now > PATIENCE_TRIES || state === "error")) return this.record("sockets", session, id);
    if (state === "error" && (this.stopping || failure?.recoverable !== true)) return this.finishBroken(session);
  }

  /** The words cannot come now: what was said and what will be is kept, to be sent as a recording. */
  private record(reason: Reason, session: LiveSession | null = null, id: string | null = null): void {
    forget();
    if (session) {
      for (const piece of session.unsent()) this.tape?.add(piece);
      session.leave();
    }
    if (id) void this.server.end(id).catch(() => {});
    this.view.change({ stage: "running", recording: reason, session: null });
    if (this.stopping) this.finish(this.tape?.file() ?? null);
  }

  private couldNotBegin(failure: unknown): void {
    const status = failure instanceof LiveCallError ? failure.status : -1;
    if (status === 503 || status === 429) return this.record("full");
    if (status === 0 || status >= 500) return this.record("away");
    void this.closeMicrophone();
    this.close();
    this.view.change({ ...idle, failure: failure instanceof Error ? failure : new Error(String(failure)) });
  }

  /** What never became text is not lost: it goes as a recording. */
  private finishBroken(session: LiveSession): void {
    void this.closeMicrophone();
    for (const piece of session.unsent()) this.tape?.add(piece);
    session.leave();
    this.finish(this.tape?.file() ?? null);
  }

  private finish(tape: File | null): void {
    if (this.view.get().stage === "done") return;
    forget();
    this.view.change({ stage: "done", paused: false, trouble: null, tape });
    this.close();
  }

  private close(): void {
    for (const end of this.endings.splice(0)) end();
    this.tab.leave();
  }
}
