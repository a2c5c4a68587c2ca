import type { Piece } from "./capture/capture";

const REMEMBERED_TIMES = 2048;

export interface Chunk extends Piece {
  seq: number;
  captured_at_ms: number;
}

/**
 * The audio that is not durable text yet. Every chunk stays until the server's `committed_seq` has passed it, so that it can be sent again
 * after a cut, to the same server or to another.
 */
export class Outbox {
  private chunks: Chunk[] = [];
  private lastSeq = 0;
  private sentSeq = 0;
  private readonly times = new Map<number, number>();
  private base: number | null = null;

  push(piece: Piece): void {
    this.lastSeq += 1;
    const captured_at_ms = Date.now();
    this.chunks.push({ ...piece, seq: this.lastSeq, captured_at_ms });
    this.remember(this.lastSeq, captured_at_ms);
  }

  /** The server says where this epoch's numbers begin; what was taken before is numbered from there. */
  begin(received_seq: number): void {
    if (this.base !== null) return;
    this.base = received_seq;
    this.times.clear();
    for (const chunk of this.chunks) {
      chunk.seq += received_seq;
      this.remember(chunk.seq, chunk.captured_at_ms);
    }
    this.lastSeq += received_seq;
    this.sentSeq = received_seq;
  }

  /** Another recorder takes over: its chunks are numbered once the server has said from where. */
  beginAnew(): void {
    this.chunks = [];
    this.lastSeq = 0;
    this.sentSeq = 0;
    this.base = null;
  }

  /** Forgets what is durable text. */
  commit(committed_seq: number): void {
    const first = this.chunks[0]?.seq;
    if (first !== undefined && first <= committed_seq) this.chunks.splice(0, committed_seq - first + 1);
  }

  /** Everything past this number is sent (again). */
  rewind(received_seq: number): void {
    this.sentSeq = received_seq;
  }

  /** The next chunk to send, if there is one. */
  next(): Chunk | null {
    const first = this.chunks[0]?.seq ?? 0;
    const chunk = this.chunks[Math.max(0, this.sentSeq + 1 - first)];
    if (!chunk) return null;
    this.sentSeq = chunk.seq;
    return chunk;
  }

  /** Chunks the server asks for again. */
  between(from_seq: number, to_seq: number): Chunk[] {
    return this.chunks.filter((chunk) => chunk.seq >= from_seq && chunk.seq <= to_seq);
  }

  /** When the chunk was heard, for measuring how far the text is behind. */
  capturedAt(seq: number): number | null {
    return this.times.get(seq) ?? null;
  }

  get last(): number {
    return this.lastSeq;
  }

  get empty(): boolean {
    return this.chunks.length === 0;
  }

  /** All that is kept, to be handed over in another way. */
  pieces(): Piece[] {
    return this.chunks.map(({ bytes, duration_ms }) => ({ bytes, duration_ms }));
  }

  private remember(seq: number, at_ms: number): void {
    this.times.set(seq, at_ms);
    this.times.delete(seq - REMEMBERED_TIMES);
  }
}
