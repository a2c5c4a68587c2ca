import type { Capture, OnPiece } from "./capture";
import { SAMPLE_RATE_HZ } from "./framing";
import workletAddress from "./pcmWorklet?worker&url";

const FRAME_MS = 100;
const FLUSH_MS = 500;

/** Gives the microphone's sound as 16-bit frames; everything that follows is built on it. */
export async function framesOf(
  context: AudioContext,
  source: AudioNode,
  frame_ms: number,
  onFrame: (frame: Int16Array<ArrayBuffer>) => void,
): Promise<{ stop: () => Promise<void> }> {
  await context.audioWorklet.addModule(workletAddress);
  const node = new AudioWorkletNode(context, "tertulia-pcm", {
    numberOfInputs: 1,
    numberOfOutputs: 0,
    processorOptions: { frame_ms },
  });
  let flushed: () => void = () => {};
  node.port.onmessage = ({ data }: MessageEvent<ArrayBuffer | null>) => {
    if (data) onFrame(new Int16Array(data));
    else flushed();
  };
  source.connect(node);
  return {
    stop: async () => {
      source.disconnect(node);
      const done = new Promise<void>((resolve) => {
        flushed = resolve;
        // A context that the system has put to sleep answers nothing.
        setTimeout(resolve, FLUSH_MS);
      });
      node.port.postMessage("flush");
      await done;
      node.port.close();
    },
  };
}

/** Raw 16-bit sound at 16 kHz, a tenth of a second a piece: understood everywhere, and nothing to decode. */
export async function pcmCapture(context: AudioContext, source: AudioNode, onPiece: OnPiece): Promise<Capture> {
  let paused = false;
  const frames = await framesOf(context, source, FRAME_MS, (frame) => {
    if (paused) return;
    onPiece({ bytes: new Uint8Array(frame.buffer), duration_ms: (frame.length / SAMPLE_RATE_HZ) * 1000 });
  });
  return {
    way: "pcm",
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    stop: frames.stop,
  };
}
