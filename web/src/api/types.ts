import type { paths } from "./schema";

type Content<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Success<R> = R extends { 200: infer A }
  ? A
  : R extends { 201: infer B }
    ? B
    : R extends { 202: infer C }
      ? C
      : never;
type Answer<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends { responses: infer R }
  ? Content<Success<R>>
  : never;

export type Me = Answer<"/api/me", "get">;
export type Space = Me["spaces"][number];
export type Role = Space["role"];
export type Session = Answer<"/api/me/sessions", "get">["items"][number];
export type User = Answer<"/api/users", "get">["items"][number];
export type Member = Answer<"/api/spaces/{id}/members", "get">["items"][number];
export type Invitation = Answer<"/api/spaces/{id}/invitations", "get">["items"][number];
export type Key = Answer<"/api/keys", "get">["items"][number];
export type Scope = Answer<"/api/scopes", "get">[number];
export type Webhook = Answer<"/api/webhooks", "get">["items"][number];
export type Delivery = Answer<"/api/webhooks/{id}/deliveries", "get">["items"][number];
export type ServerStatus = Answer<"/api/status", "get">;
export type Transcription = Answer<"/api/transcribe", "get">["items"][number];
export type TranscriptionText = Answer<"/api/transcribe/{id}", "get">;
export type Segment = TranscriptionText["segments"][number];
