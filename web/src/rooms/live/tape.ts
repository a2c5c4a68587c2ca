import { type Piece, type Way, wavOf } from "../../live";
import { WEBM } from "../../live/capture/capture";

/** Sound kept in this tab, until it can be handed over whole. */
export class Tape {
  private pieces: Piece[] = [];
  private more_ms = 0;

  constructor(private readonly way: Way) {}

  add(piece: Piece): void {
    this.pieces.push(piece);
  }

  lengthen(by_ms: number): void {
    this.more_ms += by_ms;
  }

  /** Gives away what is on it. */
  take(): Piece[] {
    const all = this.pieces;
    this.pieces = [];
    return all;
  }

  get length_ms(): number {
    return this.more_ms + this.pieces.reduce((sum, piece) => sum + piece.duration_ms, 0);
  }

  /** As a file for the server's ordinary way in; null when there is nothing on it, or only bare packets that no file holds. */
  file(): File | null {
    if (this.pieces.length === 0 || this.way === "opus") return null;
    const bytes = this.pieces.map((piece) => piece.bytes);
    const blob = this.way === "pcm" ? wavOf(bytes) : new Blob(bytes, { type: WEBM });
    const at = new Date().toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
    return new File([blob], `Live ${at}.${this.way === "pcm" ? "wav" : "webm"}`, { type: blob.type });
  }
}
