import { SAMPLE_RATE_HZ } from "./capture/framing";

const HEADER_BYTES = 44;

/** Raw pieces of 16-bit mono at 16 kHz as a file that every player opens. */
export function wavOf(pieces: readonly Uint8Array<ArrayBuffer>[]): Blob {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const word = (at: number, letters: string) => {
    for (let index = 0; index < letters.length; index += 1) view.setUint8(at + index, letters.charCodeAt(index));
  };
  word(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + size, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE_HZ, true);
  view.setUint32(28, SAMPLE_RATE_HZ * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, size, true);
  return new Blob([view.buffer, ...pieces], { type: "audio/wav" });
}
