const PAGE_HEADER_BYTES = 27;
const FIRST = 2;
const LAST = 4;
/** Opus counts time at 48 kHz, whatever rate was recorded. */
const CLOCK_PER_MS = 48;
const SERIAL = 0x74746c31;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Bare Opus packets as a file that every player opens (RFC 7845): one packet a page, which wastes little and needs no counting. */
export function oggOf(packets: readonly { bytes: Uint8Array; duration_ms: number }[]): Blob {
  const pages = [page(head(), 0, 0, FIRST), page(tags(), 0, 1, 0)];
  let passed = 0;
  for (const [index, { bytes, duration_ms }] of packets.entries()) {
    passed += Math.round(duration_ms * CLOCK_PER_MS);
    pages.push(page(bytes, passed, index + 2, index === packets.length - 1 ? LAST : 0));
  }
  return new Blob(pages, { type: "audio/ogg" });
}

function head(): Uint8Array {
  const view = new DataView(new ArrayBuffer(19));
  write(view, 0, "OpusHead");
  view.setUint8(8, 1);
  view.setUint8(9, 1);
  view.setUint32(12, 16_000, true);
  return new Uint8Array(view.buffer);
}

function tags(): Uint8Array {
  const maker = "tertulia";
  const view = new DataView(new ArrayBuffer(16 + maker.length));
  write(view, 0, "OpusTags");
  view.setUint32(8, maker.length, true);
  write(view, 12, maker);
  return new Uint8Array(view.buffer);
}

function page(packet: Uint8Array, passed: number, number: number, flags: number): Uint8Array<ArrayBuffer> {
  // A packet's length is written as so many 255s and a rest.
  const laces = Math.floor(packet.length / 255) + 1;
  const made = new Uint8Array(PAGE_HEADER_BYTES + laces + packet.length);
  const view = new DataView(made.buffer);
  write(view, 0, "OggS");
  view.setUint8(5, flags);
  view.setBigUint64(6, BigInt(passed), true);
  view.setUint32(14, SERIAL, true);
  view.setUint32(18, number, true);
  view.setUint8(26, laces);
  made.fill(255, PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + laces - 1);
  made[PAGE_HEADER_BYTES + laces - 1] = packet.length % 255;
  made.set(packet, PAGE_HEADER_BYTES + laces);
  view.setUint32(22, checksum(made), true);
  return made;
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = ((sum << 8) ^ (CRC[((sum >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return sum;
}

function write(view: DataView, at: number, letters: string): void {
  for (let index = 0; index < letters.length; index += 1) view.setUint8(at + index, letters.charCodeAt(index));
}
