/** Plays the pieces of an answer one after the other while they arrive. */
export class Mouth {
  #context: AudioContext | null = null;
  #until = 0;
  #sources = new Set<AudioBufferSourceNode>();
  #idle: (() => void)[] = [];

  /** Plays 16-bit samples, written in base64, after what is playing. */
  say(pcm16: string, rateHz: number): void {
    this.#context ??= new AudioContext();
    void this.#context.resume();
    const samples = decoded(pcm16);
    if (samples.length === 0) return;
    const buffer = this.#context.createBuffer(1, samples.length, rateHz);
    buffer.copyToChannel(samples, 0);
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    source.onended = () => this.#ended(source);
    this.#sources.add(source);
    this.#until = Math.max(this.#until, this.#context.currentTime);
    source.start(this.#until);
    this.#until += buffer.duration;
  }

  /** Falls silent at once. */
  stop(): void {
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources.clear();
    this.#until = 0;
    this.#tell();
  }

  /** Whether something is being played. */
  get speaking(): boolean {
    return this.#sources.size > 0;
  }

  /** Resolves when everything has been played. */
  silent(): Promise<void> {
    if (this.#sources.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.stop();
    void this.#context?.close();
    this.#context = null;
  }

  #ended(source: AudioBufferSourceNode): void {
    this.#sources.delete(source);
    if (this.#sources.size === 0) this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Samples between -1 and 1. */
export function decoded(pcm16: string): Float32Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(pcm16), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const samples = new Float32Array(bytes.length >> 1);
  for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true) / 32_768;
  return samples;
}
