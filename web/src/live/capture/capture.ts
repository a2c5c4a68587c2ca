/** How audio leaves the browser, best first. */
export const ways = ["pcm", "opus", "webm"] as const;
export type Way = (typeof ways)[number];

/** A piece of audio on its way to the server. */
export interface Piece {
  bytes: Uint8Array<ArrayBuffer>;
  /** How much sound it holds. */
  duration_ms: number;
}

/** One way of turning the microphone into pieces. */
export interface Capture {
  readonly way: Way;
  /** Stops handing over pieces; what is heard meanwhile is forgotten. */
  pause(): void;
  resume(): void;
  /** Hands over the last piece and ends. */
  stop(): Promise<void>;
}

export type OnPiece = (piece: Piece) => void;

/** Which ways this browser has. */
export function waysHere(): Way[] {
  const has: Record<Way, boolean> = {
    pcm: "AudioWorkletNode" in globalThis,
    opus: "AudioWorkletNode" in globalThis && "AudioEncoder" in globalThis && "AudioData" in globalThis,
    webm: "MediaRecorder" in globalThis && MediaRecorder.isTypeSupported(WEBM),
  };
  return ways.filter((way) => has[way]);
}

export const WEBM = "audio/webm;codecs=opus";
