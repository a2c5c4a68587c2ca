import type { paths } from "../src/api/schema";
import type {
  Delivery,
  Invitation,
  Key,
  Me,
  Member,
  Scope,
  ServerStatus,
  Session,
  Space,
  TranscriptionText,
  User,
  Webhook,
} from "../src/api/types";
import { FakeHall } from "./hall.ts";
import * as made from "./things.ts";

type Route = (match: { params: string[]; body: Record<string, unknown>; url: URL }) => Response | Promise<Response>;

const json = (value: unknown, status = 200) => Response.json(value, { status });
const page = <T>(items: T[]) => ({ items, next_cursor: null });
const nothing = () => new Response(null, { status: 204 });

export function problem(status: number, code: string, detail: string): Response {
  return new Response(
    JSON.stringify({
      type: `urn:tertulia:error:${code}`,
      title: code,
      status,
      code,
      detail,
      correlation_id: "0192f3-fake",
    }),
    { status, headers: { "Content-Type": "application/problem+json", "X-Correlation-Id": "0192f3-fake" } },
  );
}

/** Stands in for the server, with the same addresses and shapes, and everything kept in memory. */
export class FakeServer {
  me: Me | null = made.me();
  options: paths["/api/auth/options"]["get"]["responses"][200]["content"]["application/json"] = {
    first_start: false,
    oidc: { name: "Single sign-on" },
    password_min_length: 10,
  };
  sessions: Session[] = made.sessions();
  users: User[] = made.users();
  spaces: Space[] = made.spaces();
  members: Member[] = made.members();
  invitations: Invitation[] = made.invitations();
  keys: Key[] = made.keys();
  scopes: Scope[] = made.scopes();
  webhooks: Webhook[] = made.webhooks();
  deliveries: Delivery[] = made.deliveries();
  status: ServerStatus = made.status();
  transcriptions: TranscriptionText[] = made.transcriptions();
  readonly hall = new FakeHall();
  /** Every change asked for, in order: method, path and body. */
  readonly asked: { method: string; path: string; body: unknown; csrf: string | null }[] = [];
  private count = 0;

  private readonly routes: [method: string, path: RegExp, answer: Route][] = [
    ["GET", /^\/api\/me$/, () => json(this.me)],
    ["PATCH", /^\/api\/me$/, ({ body }) => this.updateMe(body)],
    ["POST", /^\/api\/me\/password$/, nothing],
    ["GET", /^\/api\/me\/sessions$/, () => json({ items: this.sessions })],
    ["DELETE", /^\/api\/me\/sessions$/, () => this.keepSessions((session) => session.current)],
    ["DELETE", /^\/api\/me\/sessions\/(.+)$/, ({ params }) => this.keepSessions((session) => session.id !== params[0])],
    ["GET", /^\/api\/users$/, () => json({ items: this.users, next_cursor: null })],
    ["PATCH", /^\/api\/users\/(.+)$/, ({ params, body }) => this.disable(params[0], body.disabled === true)],
    ["GET", /^\/api\/spaces$/, () => json({ items: this.spaces })],
    ["POST", /^\/api\/spaces$/, ({ body }) => this.createSpace(String(body.name))],
    ["PATCH", /^\/api\/spaces\/([^/]+)$/, ({ params, body }) => this.renameSpace(params[0], String(body.name))],
    ["DELETE", /^\/api\/spaces\/([^/]+)$/, ({ params }) => this.deleteSpace(params[0])],
    ["GET", /^\/api\/spaces\/[^/]+\/members$/, () => json({ items: this.members })],
    ["PATCH", /^\/api\/spaces\/[^/]+\/members\/(.+)$/, ({ params, body }) => this.changeRole(params[0], body)],
    ["DELETE", /^\/api\/spaces\/[^/]+\/members\/(.+)$/, ({ params }) => this.removeMember(params[0])],
    ["GET", /^\/api\/spaces\/[^/]+\/invitations$/, () => json({ items: this.invitations })],
    ["POST", /^\/api\/spaces\/[^/]+\/invitations$/, ({ body }) => this.invite(body)],
    ["DELETE", /^\/api\/spaces\/[^/]+\/invitations\/(.+)$/, ({ params }) => this.withdraw(params[0])],
    ["GET", /^\/api\/keys$/, () => json({ items: this.keys })],
    ["POST", /^\/api\/keys$/, ({ body }) => this.createKey(body)],
    ["DELETE", /^\/api\/keys\/(.+)$/, ({ params }) => this.revokeKey(params[0])],
    ["GET", /^\/api\/scopes$/, () => json(this.scopes)],
    ["GET", /^\/api\/webhooks$/, () => json({ items: this.webhooks })],
    ["POST", /^\/api\/webhooks$/, ({ body }) => this.createWebhook(body)],
    ["GET", /^\/api\/webhooks\/types$/, () => json(made.eventTypes())],
    ["PATCH", /^\/api\/webhooks\/([^/]+)$/, ({ params, body }) => this.updateWebhook(params[0], body)],
    ["DELETE", /^\/api\/webhooks\/([^/]+)$/, ({ params }) => this.deleteWebhook(params[0])],
    ["POST", /^\/api\/webhooks\/([^/]+)\/test$/, ({ params }) => this.deliver(params[0] ?? "", "webhook.test")],
    ["GET", /^\/api\/webhooks\/deliveries\/(.+)$/, ({ params }) => this.delivery(params[0])],
    ["POST", /^\/api\/webhooks\/deliveries\/(.+)\/replay$/, ({ params }) => this.replay(params[0])],
    ["GET", /^\/api\/webhooks\/[^/]+\/deliveries$/, () => json({ items: this.deliveries, next_cursor: null })],
    ["GET", /^\/api\/status$/, () => json(this.status)],
    [
      "GET",
      /^\/api\/transcribe$/,
      () => json({ items: this.transcriptions.map(({ segments: _, ...rest }) => rest), next_cursor: null }),
    ],
    ["POST", /^\/api\/transcribe$/, () => json({ id: this.nextId("transcription") }, 202)],
    ["GET", /^\/api\/transcribe\/([^/]+)$/, ({ params }) => this.transcription(params[0])],
    [
      "GET",
      /^\/api\/transcribe\/[^/]+\/audio$/,
      () => new Response(made.silence(52), { headers: { "Content-Type": "audio/wav" } }),
    ],
    ["DELETE", /^\/api\/transcribe\/([^/]+)$/, ({ params }) => this.deleteTranscription(params[0])],
    ["GET", /^\/api\/transcripts$/, ({ url }) => json(page(this.hall.list(url.searchParams)))],
    ["GET", /^\/api\/transcripts\/([^/]+)$/, ({ params }) => this.conversation(params[0])],
    ["GET", /^\/api\/transcripts\/([^/]+)\/segments$/, ({ params }) => json(page(this.hall.said(params[0])))],
    ["GET", /^\/api\/transcripts\/([^/]+)\/readings$/, () => json({ items: [] })],
    ["GET", /^\/api\/search$/, ({ url }) => json(page(this.hall.find(url.searchParams.get("q") ?? "")))],
    ["GET", /^\/api\/search\/facets$/, () => json(this.hall.facets())],
    ["GET", /^\/api\/search\/options$/, () => json({ meaning: false, reason: "No embedding model is set up." })],
    ["GET", /^\/api\/search\/saved$/, () => json({ items: [] })],
    ["GET", /^\/api\/people$/, () => json(page([]))],
    ["GET", /^\/api\/demo$/, () => json({ conversations: 0, of: 6, transcripts: [] })],
    ["POST", /^\/api\/auth\/sign-out$/, () => this.signOut()],
  ];

  private readonly open: [method: string, path: RegExp, answer: Route][] = [
    ["GET", /^\/api\/auth\/options$/, () => json(this.options)],
    ["POST", /^\/api\/auth\/sign-in$/, ({ body }) => this.signIn(body)],
    ["POST", /^\/api\/auth\/claim$/, () => this.signInAs()],
    ["GET", /^\/api\/invitations\/([^/]+)$/, () => json(made.invitation())],
    ["POST", /^\/api\/invitations\/([^/]+)\/accept$/, () => this.signInAs()],
    ["GET", /^\/api\/fake\/signed-out$/, () => this.signOut()],
  ];

  readonly handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const isForm = request.headers.get("Content-Type")?.startsWith("multipart/") ?? false;
    const text = isForm || request.method === "GET" ? "" : await request.text();
    const body = (text ? JSON.parse(text) : {}) as Record<string, unknown>;
    if (request.method !== "GET") {
      const csrf = request.headers.get("X-CSRF-Token");
      this.asked.push({ method: request.method, path: url.pathname, body, csrf });
    }
    const routes = this.me ? [...this.open, ...this.routes] : this.open;
    for (const [method, path, answer] of routes) {
      const match = method === request.method ? path.exec(url.pathname) : null;
      if (match) return answer({ params: match.slice(1), body, url });
    }
    if (!this.me) return problem(401, "not_signed_in", "Sign in first.");
    return problem(404, "not_found", "There is nothing here by that name.");
  };

  private nextId(what: string): string {
    this.count += 1;
    return `${what}-new-${this.count}`;
  }

  private updateMe(change: Record<string, unknown>): Response {
    if (!this.me) return problem(401, "not_signed_in", "Sign in first.");
    const { active_space_id, ...user } = change;
    this.me = {
      ...this.me,
      user: { ...this.me.user, ...user },
      active_space_id: typeof active_space_id === "string" ? active_space_id : this.me.active_space_id,
    };
    return json(this.me);
  }

  private keepSessions(keep: (session: Session) => boolean): Response {
    this.sessions = this.sessions.filter(keep);
    return nothing();
  }

  private signIn(body: Record<string, unknown>): Response {
    if (body.password === "wrong") return problem(401, "not_signed_in", "The e-mail or the password is not right.");
    return this.signInAs();
  }

  private signInAs(): Response {
    this.me = made.me();
    return json(this.me);
  }

  private signOut(): Response {
    this.me = null;
    return nothing();
  }

  private disable(id: string | undefined, disabled: boolean): Response {
    this.users = this.users.map((user) =>
      user.id === id ? { ...user, disabled_at: disabled ? made.at(0) : null } : user,
    );
    return json(this.users.find((user) => user.id === id));
  }

  private setSpaces(spaces: Space[]): void {
    this.spaces = spaces;
    if (this.me) this.me = { ...this.me, spaces };
  }

  private createSpace(name: string): Response {
    const space: Space = { id: this.nextId("space"), name, role: "OWNER" };
    this.setSpaces([...this.spaces, space]);
    return json(space, 201);
  }

  private renameSpace(id: string | undefined, name: string): Response {
    this.setSpaces(this.spaces.map((space) => (space.id === id ? { ...space, name } : space)));
    return json(this.spaces.find((space) => space.id === id));
  }

  private deleteSpace(id: string | undefined): Response {
    this.setSpaces(this.spaces.filter((space) => space.id !== id));
    return nothing();
  }

  private changeRole(id: string | undefined, body: Record<string, unknown>): Response {
    this.members = this.members.map((one) =>
      one.user_id === id ? { ...one, role: body.role as Member["role"] } : one,
    );
    return json(this.members.find((one) => one.user_id === id));
  }

  private removeMember(id: string | undefined): Response {
    this.members = this.members.filter((one) => one.user_id !== id);
    return nothing();
  }

  private invite(body: Record<string, unknown>): Response {
    const id = this.nextId("invitation");
    const expires_at = made.at(7);
    this.invitations = [
      ...this.invitations,
      { ...made.invitations()[0], id, expires_at, created_at: made.at(0), ...body } as Invitation,
    ];
    return json({ id, link: `http://localhost/invitations/${id}`, expires_at }, 201);
  }

  private withdraw(id: string | undefined): Response {
    this.invitations = this.invitations.filter((one) => one.id !== id);
    return nothing();
  }

  private createKey(body: Record<string, unknown>): Response {
    const key = { ...made.keys()[0], id: this.nextId("key"), last_used_at: null, ...body } as Key;
    this.keys = [key, ...this.keys];
    return json({ ...key, key: `${key.prefix}_4nS0rPjBz1uQ8LwXe7Tt` }, 201);
  }

  private revokeKey(id: string | undefined): Response {
    this.keys = this.keys.filter((key) => key.id !== id);
    return nothing();
  }

  private createWebhook(body: Record<string, unknown>): Response {
    const webhook = { ...made.webhooks()[0], enabled: true, id: this.nextId("webhook"), ...body } as Webhook;
    this.webhooks = [webhook, ...this.webhooks];
    return json({ ...webhook, secret: "whsec_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxs" }, 201);
  }

  private updateWebhook(id: string | undefined, change: Record<string, unknown>): Response {
    this.webhooks = this.webhooks.map((webhook) => (webhook.id === id ? { ...webhook, ...change } : webhook));
    return json(this.webhooks.find((webhook) => webhook.id === id));
  }

  private deleteWebhook(id: string | undefined): Response {
    this.webhooks = this.webhooks.filter((webhook) => webhook.id !== id);
    return nothing();
  }

  private deliver(webhookId: string, type: string): Response {
    const delivery = {
      ...made.deliveries()[0],
      id: this.nextId("delivery"),
      webhook_id: webhookId,
      type,
      created_at: made.at(0),
    } as Delivery;
    this.deliveries = [delivery, ...this.deliveries];
    return json(delivery, 202);
  }

  private delivery(id: string | undefined): Response {
    const delivery = this.deliveries.find((one) => one.id === id);
    if (!delivery) return problem(404, "not_found", "There is no such delivery.");
    return json({
      ...delivery,
      payload: { type: delivery.type, timestamp: delivery.created_at, data: { id: "01JD" } },
      log: [
        {
          at: delivery.created_at,
          duration_ms: 143,
          response_status: delivery.response_status,
          failure: delivery.failure,
        },
      ],
    });
  }

  private replay(id: string | undefined): Response {
    const before = this.deliveries.find((one) => one.id === id);
    return this.deliver(before?.webhook_id ?? "", before?.type ?? "webhook.test");
  }

  private transcription(id: string | undefined): Response {
    const found = this.transcriptions.find((one) => one.id === id);
    return found ? json(found) : problem(404, "not_found", "There is no such transcription.");
  }

  private conversation(id: string | undefined): Response {
    const found = this.hall.one(id);
    return found ? json(found) : problem(404, "transcript_not_found", "There is no such conversation.");
  }

  private deleteTranscription(id: string | undefined): Response {
    this.transcriptions = this.transcriptions.filter((one) => one.id !== id);
    return nothing();
  }
}
