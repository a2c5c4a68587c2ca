import type { Capture, OnPiece } from "./capture";
import { SAMPLE_RATE_HZ } from "./framing";
import { framesOf } from "./pcm";

const FRAME_MS = 60;
const BITS_PER_SECOND = 24_000;

/** Opus packets made by the browser's own encoder: a tenth of the bytes, for slow connections. */
export async function opusCapture(context: AudioContext, source: AudioNode, onPiece: OnPiece): Promise<Capture> {
  let paused = false;
  let sent_us = 0;
  const encoder = new AudioEncoder({
    output: (packet) => {
      const bytes = new Uint8Array(packet.byteLength);
      packet.copyTo(bytes);
      onPiece({ bytes, duration_ms: (packet.duration ?? FRAME_MS * 1000) / 1000 });
    },
    // The pieces stop coming, which the session's own silence shows.
    error: () => {},
  });
  encoder.configure(OPUS);
  const frames = await framesOf(context, source, FRAME_MS, (frame) => {
    if (paused || encoder.state !== "configured") return;
    const data = new AudioData({
      format: "s16",
      sampleRate: SAMPLE_RATE_HZ,
      numberOfChannels: 1,
      numberOfFrames: frame.length,
      timestamp: sent_us,
      data: frame,
    });
    sent_us += (frame.length / SAMPLE_RATE_HZ) * 1_000_000;
    encoder.encode(data);
    data.close();
  });
  return {
    way: "opus",
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    stop: async () => {
      await frames.stop();
      if (encoder.state === "configured") await encoder.flush();
      if (encoder.state !== "closed") encoder.close();
    },
  };
}

// The types do not know all that the encoder takes.
const VOICE: object = { frameDuration: FRAME_MS * 1000, application: "voip" };

const OPUS: AudioEncoderConfig = {
  codec: "opus",
  sampleRate: SAMPLE_RATE_HZ,
  numberOfChannels: 1,
  bitrate: BITS_PER_SECOND,
  opus: VOICE,
};

/** Whether this browser's encoder takes what is asked of it. */
export async function opusWorks(): Promise<boolean> {
  if (!("AudioEncoder" in globalThis)) return false;
  const answer = await AudioEncoder.isConfigSupported(OPUS).catch(() => null);
  return answer?.supported === true;
}
