const PHASES = 128;
const LOBES = 12;
/** Of the lower rate's half; what lies above would fold back into the voice. */
const PASSED = 0.94;

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const blackman = (x: number) =>
  Math.abs(x) >= 1 ? 0 : 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);

/** Brings mono sound from one rate to another while it streams, by a windowed sinc. */
export class Resampler {
  private readonly step: number;
  private readonly half: number;
  private readonly kernel: Float32Array;
  private pending: Float32Array;
  /** Where the next sample stands in what is pending. */
  private position: number;

  constructor(from_hz: number, to_hz: number) {
    this.step = from_hz / to_hz;
    const scale = Math.min(1, to_hz / from_hz) * PASSED;
    this.half = Math.ceil(LOBES / scale);
    this.kernel = this.makeKernel(scale);
    this.pending = new Float32Array(this.half);
    this.position = this.half;
  }

  /** The samples that can be told so far; the last few milliseconds wait for what follows them. */
  push(samples: Float32Array): Float32Array {
    if (this.step === 1) return samples;
    const heard = new Float32Array(this.pending.length + samples.length);
    heard.set(this.pending);
    heard.set(samples, this.pending.length);
    const room = Math.max(0, Math.ceil((heard.length - this.half - this.position) / this.step));
    const made = new Float32Array(room);
    let count = 0;
    while (count < room && Math.floor(this.position) + this.half < heard.length) {
      made[count] = this.at(heard);
      count += 1;
      this.position += this.step;
    }
    const forgotten = Math.max(0, Math.floor(this.position) - this.half + 1);
    this.pending = heard.slice(forgotten);
    this.position -= forgotten;
    return made.subarray(0, count);
  }

  private at(heard: Float32Array): number {
    const base = Math.floor(this.position);
    const taps = 2 * this.half;
    const row = Math.round((this.position - base) * PHASES) * taps;
    const first = base - this.half + 1;
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) sum += (heard[first + tap] ?? 0) * (this.kernel[row + tap] ?? 0);
    return sum;
  }

  private makeKernel(scale: number): Float32Array {
    const taps = 2 * this.half;
    const kernel = new Float32Array((PHASES + 1) * taps);
    for (let phase = 0; phase <= PHASES; phase += 1) {
      const row = kernel.subarray(phase * taps, (phase + 1) * taps);
      for (let tap = 0; tap < taps; tap += 1) {
        const x = tap - this.half + 1 - phase / PHASES;
        row[tap] = sinc(scale * x) * blackman(x / this.half);
      }
      const sum = row.reduce((total, value) => total + value, 0);
      for (let tap = 0; tap < taps; tap += 1) row[tap] = (row[tap] ?? 0) / sum;
    }
    return kernel;
  }
}
