import { oggOf, type Piece, type Way, wavOf } from "../../live";
import { WEBM } from "../../live/capture/capture";

const endings: Record<Way, string> = { pcm: "wav", opus: "ogg", webm: "webm" };

/** Sound kept in this tab, until it can be handed over whole. */
export class Tape {
  private pieces: Piece[] = [];

  constructor(private readonly way: Way) {}

  add(piece: Piece): void {
    this.pieces.push(piece);
  }

  /** Gives away what is on it. */
  take(): Piece[] {
    const all = this.pieces;
    this.pieces = [];
    return all;
  }

  get length_ms(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.duration_ms, 0);
  }

  /** As a file for the server's ordinary way in; null when there is nothing on it. */
  file(): File | null {
    if (this.pieces.length === 0) return null;
    const blob = this.blob();
    const at = new Date().toISOString().slice(0, 16).replace("T", " ").replace(":", ".");
    return new File([blob], `Live ${at}.${endings[this.way]}`, { type: blob.type });
  }

  private blob(): Blob {
    if (this.way === "opus") return oggOf(this.pieces);
    const bytes = this.pieces.map((piece) => piece.bytes);
    return this.way === "pcm" ? wavOf(bytes) : new Blob(bytes, { type: WEBM });
  }
}
