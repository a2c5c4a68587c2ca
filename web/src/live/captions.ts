import { Connection, type Ended, type OpenSocket, openSocket, protocolsFor } from "./connection";
import { type CaptionsOpened, endingOf, type ServerMessage, type SessionState } from "./protocol";
import { Retries } from "./retries";
import { Store } from "./store";
import { type Line, withFinal, withPartial } from "./text";

export interface CaptionsView {
  state: SessionState;
  title: string;
  language: string | null;
  lines: readonly Line[];
  /** A code of the protocol's when nothing more can come. */
  failure: string | null;
}

export interface CaptionsOptions {
  /** `wss://host/api/realtime/captions?session_id=…` */
  url: string;
  /** A token with the role `listener`; left out, the page's own cookie must do. */
  token: string | null;
  openSocket?: OpenSocket;
}

/** The captions of somebody else's session, on any screen. */
export class Captions {
  readonly view = new Store<CaptionsView>({
    state: "connecting",
    title: "",
    language: null,
    lines: [],
    failure: null,
  });
  private readonly retries = new Retries(() => this.open());
  private connection: Connection | null = null;
  private token: string | null;

  constructor(private readonly options: CaptionsOptions) {
    this.token = options.token;
  }

  open(): void {
    if (this.connection) return;
    const open = this.options.openSocket ?? openSocket;
    const connection = new Connection(open(this.options.url, protocolsFor(this.token)), {
      onMessage: (message) => this.take(message),
      onEnd: (ended) => {
        if (this.connection === connection) this.ended(ended);
      },
    });
    this.connection = connection;
  }

  /** The network is there again, or the page is awake. */
  networkBack(): void {
    if (this.connection) this.connection.check();
    else if (this.view.get().failure === "CONNECTION_LOST") {
      this.retries.reset();
      this.retries.now();
    } else if (this.retries.waiting) this.retries.now();
  }

  close(): void {
    this.retries.cancel();
    const { connection } = this;
    this.connection = null;
    connection?.drop();
  }

  private take(message: ServerMessage): void {
    const { lines } = this.view.get();
    switch (message.event) {
      case "captions_opened":
        return this.opened(message.data);
      case "transcription_partial":
        return this.view.change({ lines: withPartial(lines, message.data) });
      case "transcription_final":
        return this.view.change({ lines: withFinal(lines, message.data) });
      case "status":
        return this.view.change({ state: message.data.status });
      case "token":
        this.token = message.data.token;
        return;
      case "session_completed":
        return this.view.change({ state: "completed", lines: lines.filter((line) => line.final) });
    }
  }

  private opened(opened: CaptionsOpened): void {
    this.token = opened.token;
    this.retries.reset();
    const finals = opened.finals.reduce<readonly Line[]>(withFinal, []);
    this.view.change({
      state: opened.status,
      title: opened.title,
      language: opened.language,
      lines: opened.partial ? withPartial(finals, opened.partial) : finals,
      failure: null,
    });
  }

  private ended({ code, error }: Ended): void {
    this.connection = null;
    if (this.view.get().state === "completed") return;
    const ending = endingOf(code);
    const again = ending === "cut" || ending === "at_once" || ending === "later";
    if (again && this.retries.plan(error?.detail?.retry_after_ms)) return this.view.change({ state: "reconnecting" });
    this.view.change({ state: "error", failure: again ? "CONNECTION_LOST" : (error?.code ?? "INVALID_SESSION") });
  }
}
