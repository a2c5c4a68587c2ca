import type { NewSession, SessionAnswer, SessionWishes } from "./protocol";

/** The refusal of a call, with what the server's problem document says. */
export class LiveCallError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly correlationId: string | null,
  ) {
    super(detail);
    this.name = "LiveCallError";
  }
}

export interface LiveServerOptions {
  /** `https://host`; the page's own when left out. */
  base?: string;
  /** What every call carries: `Authorization: Bearer …`, or a page's CSRF token. */
  headers?: () => Record<string, string>;
}

/** The few calls around a session. */
export class LiveServer {
  private readonly base: string;

  constructor(private readonly options: LiveServerOptions = {}) {
    this.base = options.base ?? location.origin;
  }

  create(wishes: SessionWishes): Promise<NewSession> {
    return this.call("POST", "/api/streaming/sessions", wishes);
  }

  get(id: string): Promise<SessionAnswer & { confirmed_text: string; title: string; end_reason: string | null }> {
    return this.call("GET", `/api/streaming/sessions/${encodeURIComponent(id)}`);
  }

  /** Ends a session and keeps its text. */
  end(id: string): Promise<void> {
    return this.call("DELETE", `/api/streaming/sessions/${encodeURIComponent(id)}`);
  }

  async token(id: string, role: "speaker" | "listener" = "speaker"): Promise<string> {
    const path = `/api/streaming/sessions/${encodeURIComponent(id)}/token`;
    return (await this.call<{ token: string }>("POST", path, { role })).token;
  }

  /** The engines that can follow a voice here. */
  async engines(): Promise<string[]> {
    const { engines } = await this.call<{ engines: { name: string; works?: boolean }[] }>(
      "GET",
      "/api/streaming/status",
    );
    return engines.filter((engine) => engine.works !== false).map((engine) => engine.name);
  }

  socket(id: string): string {
    return this.address("/api/realtime/transcribe", id);
  }

  captions(id: string): string {
    return this.address("/api/realtime/captions", id);
  }

  private address(path: string, id: string): string {
    const url = new URL(path, this.base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("session_id", id);
    return url.href;
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = { ...(body && { "Content-Type": "application/json" }), ...this.options.headers?.() };
    const request = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(new URL(path, this.base), request).catch(() => {
      throw new LiveCallError(0, "unreachable", "", null);
    });
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
    const told = ((await response.json().catch(() => null)) ?? {}) as { code?: string; detail?: string };
    const id = response.headers.get("X-Correlation-Id");
    throw new LiveCallError(response.status, told.code ?? `http_${response.status}`, told.detail ?? "", id);
  }
}
