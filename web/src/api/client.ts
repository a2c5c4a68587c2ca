import createClient from "openapi-fetch";
import { Problem, readProblem } from "./problem";
import type { paths } from "./schema";

let csrfToken: string | null = null;

/** Remembers the token that every change must carry; it comes with `GET /api/me`. */
export function rememberCsrfToken(token: string | null | undefined): void {
  csrfToken = token ?? null;
}

/** The header that proves a change comes from this page, for requests made outside the client. */
export function csrfHeaders(): Record<string, string> {
  return csrfToken ? { "X-CSRF-Token": csrfToken } : {};
}

export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  // Looked up at every call, so that a test may stand in for the network.
  fetch: (request) => globalThis.fetch(request),
});

api.use({
  onRequest({ request }) {
    if (request.method !== "GET") {
      for (const [name, value] of Object.entries(csrfHeaders())) request.headers.set(name, value);
    }
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await readProblem(response);
    return undefined;
  },
  onError({ error }) {
    return error instanceof DOMException ? error : Problem.unreachable();
  },
});

/** The body of an answer; failures have already been thrown as a Problem. */
export async function body<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  return (await answer).data as T;
}
