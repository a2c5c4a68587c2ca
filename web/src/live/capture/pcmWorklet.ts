/**
 * Runs in the browser's audio thread: the microphone's samples, at whatever rate they come, leave as frames of 16-bit mono at 16 kHz.
 * A message of any kind asks for what is left of the last frame.
 */
import { Framer, mono, SAMPLE_RATE_HZ } from "./framing";
import { Resampler } from "./resample";

// What the audio thread has, which the page's own types do not name.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new (options: WorkletOptions) => object): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

interface WorkletOptions {
  processorOptions?: { frame_ms?: number };
}

class PcmProcessor extends AudioWorkletProcessor {
  private readonly resampler = new Resampler(sampleRate, SAMPLE_RATE_HZ);
  private readonly framer: Framer;

  constructor(options: WorkletOptions) {
    super();
    const frame_ms = options.processorOptions?.frame_ms ?? 100;
    this.framer = new Framer((SAMPLE_RATE_HZ * frame_ms) / 1000, (frame) => {
      this.port.postMessage(frame.buffer, [frame.buffer]);
    });
    this.port.onmessage = () => {
      this.framer.flush();
      this.port.postMessage(null);
    };
  }

  process(inputs: Float32Array[][]): boolean {
    const heard = mono(inputs[0] ?? []);
    if (heard) this.framer.push(this.resampler.push(heard));
    return true;
  }
}

registerProcessor("tertulia-pcm", PcmProcessor);
