import type { SocketLike } from "../src/live/connection";
import type { ServerEvents } from "../src/live/protocol";

/** What arrived at the server in one frame. */
export type Arrived = { chunk: number; bytes: number[] } | { event: string; data: Record<string, unknown> };

/** The server's end of one socket, moved by hand. */
export class FakeSocket implements SocketLike {
  binaryType = "blob";
  readyState = 0;
  bufferedAmount = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly arrived: Arrived[] = [];
  closed = false;

  constructor(
    readonly url: URL,
    readonly protocols: string[],
  ) {}

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data === "string") this.arrived.push(JSON.parse(data) as Arrived);
    else this.arrived.push({ chunk: new DataView(data.buffer).getUint32(0), bytes: [...data.subarray(4)] });
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }

  tell<Name extends keyof ServerEvents>(event: Name, data: Partial<ServerEvents[Name]>): void {
    this.onmessage?.(new MessageEvent("message", { data: JSON.stringify({ event, data }) }));
  }

  greet(part: Partial<ServerEvents["session_created"]> = {}): void {
    this.readyState = 1;
    const hello = { epoch: 1, received_seq: 0, committed_seq: 0, status: "connected" as const, duration_limit: 3600 };
    this.tell("session_created", { ...hello, duration_seconds: 0, transcript_id: "t-1", token: "tl_next", ...part });
  }

  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code } as CloseEvent);
  }

  get chunks(): number[] {
    return this.arrived.flatMap((one) => ("chunk" in one ? [one.chunk] : []));
  }

  get events(): string[] {
    return this.arrived.flatMap((one) => ("event" in one && one.event !== "ping" ? [one.event] : []));
  }
}

/** Opens fake sockets, and keeps them. */
export class FakeLine {
  readonly sockets: FakeSocket[] = [];
  readonly open = (url: string, protocols: string[]) => {
    const socket = new FakeSocket(new URL(url), protocols);
    this.sockets.push(socket);
    return socket;
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }
}
