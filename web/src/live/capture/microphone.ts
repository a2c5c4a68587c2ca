import { type Capture, type OnPiece, type Way, waysHere } from "./capture";
import { opusCapture, opusWorks } from "./opus";
import { pcmCapture } from "./pcm";
import { webmCapture } from "./webm";

/** Why there is no sound, in the words of the program; the page has a person's. */
export type MicrophoneTrouble = "insecure" | "unfit" | "refused" | "missing" | "busy" | "unplugged";

export class MicrophoneError extends Error {
  constructor(readonly trouble: MicrophoneTrouble) {
    super(trouble);
    this.name = "MicrophoneError";
  }
}

export interface MicrophoneOptions {
  /** Which one, by the id the browser gives; the system's own choice when left out. */
  deviceId?: string | undefined;
  /** How the sound is to leave; `wayFor` says what this browser has. */
  way: Way;
  onPiece: OnPiece;
  /** The device is gone, or the person took the permission back. */
  onLost: (trouble: MicrophoneTrouble) => void;
}

/** An open microphone: its level can be watched at any time, its sound leaves once `listen` is called. */
export class Microphone {
  private capture: Capture | null = null;
  private readonly samples: Float32Array<ArrayBuffer>;

  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    private readonly source: MediaStreamAudioSourceNode,
    private readonly analyser: AnalyserNode,
    private readonly options: MicrophoneOptions,
  ) {
    this.samples = new Float32Array(analyser.fftSize);
  }

  static async open(options: MicrophoneOptions): Promise<Microphone> {
    const stream = await streamOf(options.deviceId);
    const context = new AudioContext({ latencyHint: "interactive" });
    const source = context.createMediaStreamSource(stream);
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    await context.resume();
    const opened = new Microphone(stream, context, source, analyser, options);
    for (const track of stream.getAudioTracks()) {
      track.addEventListener("ended", () => options.onLost("unplugged"));
    }
    return opened;
  }

  /** Begins to hand over pieces. */
  async listen(): Promise<void> {
    const { way, onPiece } = this.options;
    if (way === "opus") this.capture = await opusCapture(this.context, this.source, onPiece);
    else if (way === "webm") this.capture = webmCapture(this.stream, onPiece);
    else this.capture = await pcmCapture(this.context, this.source, onPiece);
  }

  /** What the system calls the microphone in use. */
  get label(): string {
    return this.stream.getAudioTracks()[0]?.label ?? "";
  }

  get deviceId(): string | undefined {
    return this.stream.getAudioTracks()[0]?.getSettings().deviceId;
  }

  /** How loud it is just now, from 0 to 1 as an ear would put it. */
  level(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  /** The microphone is shut for the meantime: nothing is heard, so nothing can leave. */
  pause(): void {
    this.capture?.pause();
    for (const track of this.stream.getAudioTracks()) track.enabled = false;
  }

  async resume(): Promise<void> {
    for (const track of this.stream.getAudioTracks()) track.enabled = true;
    this.capture?.resume();
    await this.wake();
  }

  /** After the page has slept: the system may have stopped the sound. */
  async wake(): Promise<void> {
    if (this.context.state !== "running" && this.context.state !== "closed") await this.context.resume();
  }

  /** Hands over the last piece and lets go of the device. */
  async close(): Promise<void> {
    await this.capture?.stop();
    this.capture = null;
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") await this.context.close();
  }
}

/** The way asked for where this browser has it, else the best it has. */
export async function wayFor(wanted: Way | undefined): Promise<Way> {
  const here = waysHere();
  if (wanted === "opus" && here.includes("opus") && (await opusWorks())) return "opus";
  const best = here.find((way) => way === wanted && way !== "opus") ?? here.find((way) => way !== "opus");
  if (!best) throw new MicrophoneError("unfit");
  return best;
}

const QUIETEST_DB = -60;

/** The root mean square on the scale of decibels, from -60 (0) to 0 (1). */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  return Math.max(0, Math.min(1, 1 - (20 * Math.log10(rms)) / QUIETEST_DB));
}

async function streamOf(deviceId: string | undefined): Promise<MediaStream> {
  // The browser keeps microphones from pages that came over an open line.
  if (!("mediaDevices" in navigator)) throw new MicrophoneError("insecure");
  const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio,
    });
  } catch (failure) {
    // The one chosen last time may be at home today.
    if (deviceId && failure instanceof DOMException && failure.name === "OverconstrainedError")
      return streamOf(undefined);
    throw new MicrophoneError(troubleOf(failure));
  }
}

export function troubleOf(failure: unknown): MicrophoneTrouble {
  const name = failure instanceof DOMException ? failure.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "missing";
}

export interface MicrophoneChoice {
  id: string;
  label: string;
}

/** The microphones of this machine; without permission the browser names none of them. */
export async function microphones(): Promise<MicrophoneChoice[]> {
  if (!("mediaDevices" in navigator)) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "audioinput" && device.deviceId !== "" && device.label !== "")
    .map((device) => ({ id: device.deviceId, label: device.label }));
}
