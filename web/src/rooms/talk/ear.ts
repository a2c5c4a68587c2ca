const FFT = 1024;
const QUIETEST_DB = -60;
const LOOK_MS = 50;
/** Above it somebody speaks. */
export const SPEAKING = 0.36;
/** Above it somebody speaks while the bot is heard too, whose echo is never quite taken away. */
export const OVER_THE_BOT = 0.48;
/** So long quiet after speaking, and the sentence is over. */
export const PAUSE_MS = 900;
const SPOKEN_MS = 200;
/** Silence is thrown away now and then, so that a question never carries minutes of it, nor what the bot said. */
const FRESH_MS = 2_000;
const KNOCKS_MS = 15_000;

/** The kinds of recording browsers make, the best first. */
const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/webm"];

/** A microphone that shows how loud it is and records from one moment to another. */
export class Ear {
  #stream: MediaStream;
  #context: AudioContext;
  #analyser: AnalyserNode;
  #samples: Float32Array<ArrayBuffer>;
  #recorder: MediaRecorder | null = null;
  #parts: Blob[] = [];

  private constructor(stream: MediaStream) {
    this.#stream = stream;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = FFT;
    this.#samples = new Float32Array(FFT);
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  static async open(): Promise<Ear> {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return new Ear(await navigator.mediaDevices.getUserMedia({ audio }));
  }

  /** 0 for silence, 1 for as loud as can be; bound, so that it can be handed on. */
  level = (): number => {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / FFT + 1e-9);
    return Math.min(1, Math.max(0, 1 - db / QUIETEST_DB));
  };

  start(): void {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    this.#parts = [];
    this.#recorder = new MediaRecorder(this.#stream, mimeType ? { mimeType } : {});
    this.#recorder.ondataavailable = (event) => this.#parts.push(event.data);
    this.#recorder.start();
  }

  /** Ends the recording and gives it. */
  stop(): Promise<Blob> {
    const recorder = this.#recorder;
    this.#recorder = null;
    if (!recorder || recorder.state === "inactive") return Promise.resolve(new Blob());
    return new Promise((resolve) => {
      recorder.onstop = () => resolve(new Blob(this.#parts, { type: recorder.mimeType }));
      recorder.stop();
    });
  }

  /**
   * Records until somebody has spoken and stopped; null when it was called off before. `bar` says above what loudness
   * somebody speaks just now, `onSpoken` is told as soon as somebody does.
   */
  async sentence(signal: AbortSignal, bar: () => number, onSpoken: () => void): Promise<Blob | null> {
    this.start();
    const turn = new Turn(() => performance.now());
    let told = false;
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const heard = turn.look(this.level(), bar());
      if (turn.spoken && !told) {
        told = true;
        onSpoken();
      }
      if (heard === "over") return this.stop();
      if (heard === "stale") {
        await this.stop();
        this.start();
      }
    }
    await this.stop();
    return null;
  }

  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}

/** Decides from loudness alone when a sentence is over. */
export class Turn {
  #now: () => number;
  #began: number;
  #loudMs = 0;
  #lastLook: number;
  #lastLoud = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#began = this.#lastLook = now();
  }

  /** Whether somebody has spoken for long enough that it is no knock. */
  get spoken(): boolean {
    return this.#loudMs >= SPOKEN_MS;
  }

  look(level: number, bar = SPEAKING): "goes on" | "over" | "stale" {
    const now = this.#now();
    if (level > bar) {
      this.#loudMs += now - this.#lastLook;
      this.#lastLoud = now;
    }
    this.#lastLook = now;
    if (this.spoken && now - this.#lastLoud >= PAUSE_MS) return "over";
    if (!this.spoken && now - this.#began >= (this.#loudMs > 0 ? KNOCKS_MS : FRESH_MS)) {
      this.#began = now;
      this.#loudMs = 0;
      return "stale";
    }
    return "goes on";
  }
}
