import { describe, expect, it, vi } from "vitest";
import { Framer, mono } from "../src/live/capture/framing";
import { loudness } from "../src/live/capture/microphone";
import { Resampler } from "../src/live/capture/resample";
import { oggOf } from "../src/live/ogg";
import { LockedTab } from "../src/live/oneTab";
import { wavOf } from "../src/live/wav";

const tone = (rate_hz: number, tone_hz: number, seconds: number) =>
  Float32Array.from({ length: rate_hz * seconds }, (_, at) => Math.sin((2 * Math.PI * tone_hz * at) / rate_hz));

const inBlocks = (resampler: Resampler, samples: Float32Array, size: number) => {
  const made: number[] = [];
  for (let at = 0; at < samples.length; at += size) made.push(...resampler.push(samples.slice(at, at + size)));
  return Float32Array.from(made);
};

const rms = (samples: Float32Array) => Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

describe("resampling", () => {
  it.each([44_100, 48_000, 8000, 96_000])("keeps a voice's tone as it is, from %d Hz", (rate) => {
    const heard = inBlocks(new Resampler(rate, 16_000), tone(rate, 440, 1), 128);
    expect(heard.length).toBeGreaterThan(15_900);
    expect(heard.length).toBeLessThanOrEqual(16_001);
    const wanted = tone(16_000, 440, 1);
    const worst = heard
      .slice(200, -200)
      .reduce((most, one, at) => Math.max(most, Math.abs(one - wanted[at + 200]!)), 0);
    expect(worst).toBeLessThan(0.01);
  });

  it("lets nothing fold back from above", () => {
    const heard = inBlocks(new Resampler(48_000, 16_000), tone(48_000, 11_000, 0.5), 128);
    expect(rms(heard.slice(200))).toBeLessThan(0.003);
  });

  it("does not depend on the size of the blocks", () => {
    const samples = tone(44_100, 300, 0.2);
    const one = inBlocks(new Resampler(44_100, 16_000), samples, samples.length);
    const many = inBlocks(new Resampler(44_100, 16_000), samples, 37);
    expect(many.length).toBe(one.length);
    expect(many.every((value, at) => Math.abs(value - one[at]!) < 1e-5)).toBe(true);
  });
});

describe("frames", () => {
  it("are of one length, held within 16 bits, and the rest comes when asked for", () => {
    const frames: number[][] = [];
    const framer = new Framer(3, (frame) => frames.push([...frame]));
    framer.push(Float32Array.of(0, 0.5, -1));
    framer.push(Float32Array.of(2, -2));
    expect(frames).toEqual([[0, 16_384, -32_768]]);
    framer.flush();
    framer.flush();
    expect(frames.at(-1)).toEqual([32_767, -32_768]);
    expect(frames).toHaveLength(2);
  });

  it("mix channels, and have none of a silent input", () => {
    expect(mono([])).toBeNull();
    expect(mono([Float32Array.of(1, 0), Float32Array.of(0, 0.5)])).toEqual(Float32Array.of(0.5, 0.25));
  });
});

describe("loudness", () => {
  it.each([
    [0, 0],
    [1, 1],
    [0.001, 0],
    [0.0316, 0.5],
  ])("of %d is %d", (level, loud) => {
    expect(loudness(new Float32Array(64).fill(level))).toBeCloseTo(loud, 2);
  });
});

describe("a recording made of pieces", () => {
  it("is a wav that says its own length", async () => {
    const file = new Uint8Array(await wavOf([new Uint8Array([1, 2]), new Uint8Array([3, 4])]).arrayBuffer());
    expect(new TextDecoder().decode(file.slice(0, 4))).toBe("RIFF");
    expect(new DataView(file.buffer).getUint32(40, true)).toBe(4);
    expect([...file.slice(44)]).toEqual([1, 2, 3, 4]);
  });

  it("is an ogg with a page for each packet, long ones too", async () => {
    const packets = [3, 255, 600].map((length) => ({ bytes: new Uint8Array(length).fill(7), duration_ms: 60 }));
    const file = new Uint8Array(await oggOf(packets).arrayBuffer());
    const view = new DataView(file.buffer);
    const pages: { number: number; passed: bigint; size: number }[] = [];
    for (let at = 0; at < file.length;) {
      expect(new TextDecoder().decode(file.slice(at, at + 4))).toBe("OggS");
      const laces = file.slice(at + 27, at + 27 + file[at + 26]!);
      const size = laces.reduce((sum, lace) => sum + lace, 0);
      pages.push({ number: view.getUint32(at + 18, true), passed: view.getBigUint64(at + 6, true), size });
      at += 27 + laces.length + size;
    }
    expect(pages.map((page) => page.size)).toEqual([19, 24, 3, 255, 600]);
    expect(pages.at(-1)).toMatchObject({ number: 4, passed: 8640n });
  });
});

/** Locks as browsers have them, as far as one name goes. */
class FakeLocks {
  private readonly waiting: (() => void)[] = [];
  private held = false;

  async request(_name: string, options: LockOptions, granted: (lock: Lock | null) => unknown): Promise<void> {
    if (this.held && options.ifAvailable) return void granted(null);
    if (this.held) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.held = true;
    await granted({ name: "tertulia.live", mode: "exclusive" });
    this.held = false;
    this.waiting.shift()?.();
  }

  query() {
    return Promise.resolve({ held: this.held ? [{ name: "tertulia.live" }] : [], pending: [] });
  }
}

class FakeChannel {
  static readonly open = new Set<FakeChannel>();
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor() {
    FakeChannel.open.add(this);
  }

  postMessage(data: unknown) {
    for (const other of FakeChannel.open) if (other !== this) other.onmessage?.({ data });
  }

  close() {
    FakeChannel.open.delete(this);
  }
}

describe("one tab at a time", () => {
  const locks = new FakeLocks() as unknown as LockManager;
  const tab = () => new LockedTab(locks, () => new FakeChannel() as unknown as BroadcastChannel);

  it("has the place; others are told, may ask for it, and get it once it is left", async () => {
    const [first, second] = [tab(), tab()];
    const seen: boolean[] = [];
    const unwatch = second.watch((elsewhere) => seen.push(elsewhere));
    const asked = vi.fn(() => first.leave());
    expect(await first.take(asked)).toBe(true);
    expect(await second.take(vi.fn())).toBe(false);
    await vi.waitFor(() => expect(seen.at(-1)).toBe(true));
    await second.takeOver(vi.fn());
    expect(asked).toHaveBeenCalledOnce();
    expect(await first.take(vi.fn())).toBe(false);
    unwatch();
    second.leave();
    await vi.waitFor(async () => expect(await first.take(vi.fn())).toBe(true));
    first.leave();
  });
});
