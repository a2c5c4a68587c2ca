import { binaryFrame, type ErrorTold, parse, type ServerMessage, SUBPROTOCOL } from "./protocol";

const HELLO_MS = 10_000;
const PING_MS = 10_000;
const SILENCE_MS = 25_000;
const PROBE_MS = 3000;
const MOST_BUFFERED_BYTES = 1_048_576;
const CUT = 1006;
const OPEN = 1;

/** As much of a WebSocket as is needed here, so that a test or another runtime can bring its own. */
export interface SocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type OpenSocket = (url: string, protocols: string[]) => SocketLike;

export const openSocket: OpenSocket = (url, protocols) => new WebSocket(url, protocols);

/** How a connection ended: the close code, and the last error that was told before it. */
export interface Ended {
  code: number;
  error: ErrorTold | null;
  /** Whether the server had answered at all. */
  greeted: boolean;
}

interface Handlers {
  onMessage: (message: ServerMessage) => void;
  onEnd: (ended: Ended) => void;
}

export const protocolsFor = (token: string | null) => (token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL]);

/** One socket from its opening to its end, which is told exactly once, however it comes. */
export class Connection {
  private socket: SocketLike | null;
  private greeted = false;
  private error: ErrorTold | null = null;
  private heardAt = Date.now();
  private tickedAt = Date.now();
  private probe: ReturnType<typeof setTimeout> | undefined;
  private readonly hello: ReturnType<typeof setTimeout>;
  private readonly beat: ReturnType<typeof setInterval>;
  /** Half of it is the way there. */
  roundTrip_ms: number | null = null;

  constructor(
    socket: SocketLike,
    private readonly handlers: Handlers,
  ) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.take(data);
    socket.onclose = ({ code }) => this.end(code);
    this.hello = setTimeout(() => this.drop(), HELLO_MS);
    this.beat = setInterval(() => this.tick(), PING_MS);
  }

  send(event: string, data: object = {}): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify({ event, data }));
  }

  sendChunk(seq: number, audio: Uint8Array): void {
    if (this.socket?.readyState === OPEN) this.socket.send(binaryFrame(seq, audio));
  }

  /** Whether the browser still holds more than it should of what was sent. */
  get congested(): boolean {
    return (this.socket?.bufferedAmount ?? 0) > MOST_BUFFERED_BYTES;
  }

  /** Asks whether the other side is still there; without an answer the connection counts as cut. */
  check(): void {
    if (this.probe !== undefined) return;
    this.ping();
    this.probe = setTimeout(() => this.drop(), PROBE_MS);
  }

  /** Ends it from this side. A socket on a dead network would take minutes to say so itself. */
  drop(code = CUT): void {
    const socket = this.socket;
    this.end(code);
    socket?.close(1000);
  }

  private take(data: unknown): void {
    this.heardAt = Date.now();
    clearTimeout(this.probe);
    this.probe = undefined;
    const message = typeof data === "string" ? parse(data) : null;
    if (!message) return;
    if (message.event === "session_created" || message.event === "captions_opened") {
      this.greeted = true;
      clearTimeout(this.hello);
      this.ping();
    } else if (message.event === "error") this.error = message.data;
    else if (message.event === "pong" && message.data.sent_at_ms !== undefined) {
      this.roundTrip_ms = Math.max(0, Date.now() - message.data.sent_at_ms);
    }
    this.handlers.onMessage(message);
  }

  private tick(): void {
    const now = Date.now();
    // A page that slept hears its timers late; what came meanwhile has yet to be read.
    const slept = now - this.tickedAt > 2 * PING_MS;
    this.tickedAt = now;
    if (slept) this.check();
    else if (now - this.heardAt > SILENCE_MS) this.drop();
    else if (this.greeted) this.ping();
  }

  private ping(): void {
    this.send("ping", { sent_at_ms: Date.now() });
  }

  private end(code: number): void {
    const socket = this.socket;
    if (!socket) return;
    this.socket = null;
    socket.onmessage = null;
    socket.onclose = null;
    clearTimeout(this.hello);
    clearTimeout(this.probe);
    clearInterval(this.beat);
    this.handlers.onEnd({ code, error: this.error, greeted: this.greeted });
  }
}
