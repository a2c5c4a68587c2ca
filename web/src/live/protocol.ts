/** The messages of the live protocol (docs/protocol.md), version 1. */

export const SUBPROTOCOL = "tertulia.live.v1";

export const states = [
  "connecting",
  "connected",
  "recording",
  "paused",
  "reconnecting",
  "finalizing",
  "completed",
  "error",
] as const;
export type SessionState = (typeof states)[number];

/** The formats this client sends, by the way the audio is made. */
export const mimeTypes = {
  pcm: "audio/pcm;rate=16000;channels=1",
  opus: "audio/opus",
  webm: "audio/webm;codecs=opus",
} as const;

/** What a session is made with; everything may be left out. */
export interface SessionWishes {
  space_id?: string;
  title?: string;
  language?: string;
  engine?: string;
  hot_words?: string[];
  diarise?: boolean;
  mime_type?: string;
  duration_limit?: number;
}

/** The answer to making a session, or to asking for one, as far as the client needs it. */
export interface SessionAnswer {
  session_id: string;
  transcript_id: string;
  status: SessionState;
  duration_limit: number;
  duration_seconds: number;
  mime_type: string;
}

/** A session just made, with the token that opens its socket. */
export interface NewSession extends SessionAnswer {
  token: string;
  token_expires_at: string;
  socket_path: string;
}

export interface SessionCreated {
  session_id: string;
  transcript_id: string;
  resumed: boolean;
  status: SessionState;
  epoch: number;
  received_seq: number;
  committed_seq: number;
  duration_limit: number;
  duration_seconds: number;
  token: string;
  limits?: { max_chunk_bytes?: number };
}

/** A partial or a final; a later result of an utterance replaces the earlier one. */
export interface Result {
  utterance_id: string;
  sequence_number: number;
  text_content: string;
  start_time: number;
  end_time: number;
  language: string | null;
  speaker: string | null;
  latency_ms: number;
  replayed?: boolean;
}

export interface Metrics {
  latency_ms: number;
  slow: boolean;
  chunks_pending: number;
  audio_quality_score: number;
  duration_seconds: number;
  remaining_seconds: number;
}

export interface Completed {
  transcript_id: string;
  status: "completed" | "error";
  reason: string;
  duration_seconds: number;
}

export interface ErrorTold {
  code: string;
  message: string;
  recoverable: boolean;
  action: string;
  detail?: { retry_after_ms?: number; sequence_number?: number; reason?: string };
}

/** What a listener gets first, and again whenever it missed something. */
export interface CaptionsOpened {
  session_id: string;
  transcript_id: string;
  status: SessionState;
  language: string | null;
  title: string;
  finals: Result[];
  partial: Result | null;
  token: string;
}

export interface ServerEvents {
  session_created: SessionCreated;
  ack: { received_seq: number; committed_seq: number };
  missing: { from_seq: number; to_seq: number };
  transcription_partial: Result;
  transcription_final: Result;
  status: { status: SessionState; previous: SessionState; reason: string | null };
  metrics: Metrics;
  gap: { from_seq: number; to_seq: number; at_seconds: number };
  token: { token: string };
  pong: { sent_at_ms?: number };
  error: ErrorTold;
  session_completed: Completed;
  captions_opened: CaptionsOpened;
}

export type ServerMessage = {
  [Name in keyof ServerEvents]: { event: Name; data: ServerEvents[Name] };
}[keyof ServerEvents];

const known: Record<keyof ServerEvents, true> = {
  session_created: true,
  ack: true,
  missing: true,
  transcription_partial: true,
  transcription_final: true,
  status: true,
  metrics: true,
  gap: true,
  token: true,
  pong: true,
  error: true,
  session_completed: true,
  captions_opened: true,
};

/** A text frame of the server's; null for an event this version does not know. */
export function parse(frame: string): ServerMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null || !("event" in message) || !("data" in message)) return null;
  const { event, data } = message;
  if (typeof event !== "string" || !(event in known) || typeof data !== "object" || data === null) return null;
  return message as ServerMessage;
}

/** A chunk as it travels: its number, then its audio. */
export function binaryFrame(seq: number, audio: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(4 + audio.length);
  new DataView(frame.buffer).setUint32(0, seq);
  frame.set(audio, 4);
  return frame;
}

/** Why a connection ended, and what that means for the next one. */
export type Ending = "done" | "over" | "superseded" | "token" | "at_once" | "later" | "cut" | "refused";

const endings: Record<number, Ending> = {
  1000: "done",
  1001: "at_once",
  1012: "at_once",
  1013: "later",
  4000: "refused",
  4001: "token",
  4004: "over",
  4009: "superseded",
  4010: "over",
};

export const endingOf = (code: number): Ending => endings[code] ?? "cut";
