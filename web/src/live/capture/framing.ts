/** The rate every recogniser hears. */
export const SAMPLE_RATE_HZ = 16_000;

/** Cuts a stream of samples into 16-bit frames of one length. */
export class Framer {
  private frame: Int16Array;
  private filled = 0;

  constructor(
    private readonly size: number,
    private readonly onFrame: (frame: Int16Array) => void,
  ) {
    this.frame = new Int16Array(size);
  }

  push(samples: Float32Array): void {
    for (const sample of samples) {
      const held = Math.max(-1, Math.min(1, sample));
      this.frame[this.filled] = Math.round(held < 0 ? held * 0x8000 : held * 0x7fff);
      this.filled += 1;
      if (this.filled === this.size) this.flush();
    }
  }

  /** Hands over what there is, though it is no whole frame. */
  flush(): void {
    if (this.filled === 0) return;
    const done = this.filled === this.size ? this.frame : this.frame.slice(0, this.filled);
    this.frame = new Int16Array(this.size);
    this.filled = 0;
    this.onFrame(done);
  }
}

/** Several channels as one; a silent input has none. */
export function mono(channels: readonly Float32Array[]): Float32Array | null {
  const [first, ...others] = channels;
  if (!first) return null;
  if (others.length === 0) return first;
  const mixed = new Float32Array(first);
  for (const other of others) for (let index = 0; index < mixed.length; index += 1) mixed[index]! += other[index] ?? 0;
  return mixed.map((value) => value / channels.length);
}
