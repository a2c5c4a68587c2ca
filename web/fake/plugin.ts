import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Plugin } from "vite";
import { FakeServer } from "./server.ts";

function requestOf(incoming: IncomingMessage): Request {
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  return new Request(`http://localhost${incoming.url ?? "/"}`, {
    method: incoming.method ?? "GET",
    headers: Object.entries(incoming.headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] as [string, string]] : [],
    ),
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" }),
  });
}

/** `npm run fake`: the page on a made-up server, for working on its looks alone. `/api/fake/signed-out` ends the session. */
export function fakeApi(): Plugin {
  const server = new FakeServer();
  if (server.me) server.me.features = ["transcribe", "library"];
  return {
    name: "fake-api",
    configureServer(vite) {
      vite.middlewares.use(async (incoming, outgoing, next) => {
        if (!incoming.url?.startsWith("/api/")) return next();
        const answer = await server.handle(requestOf(incoming));
        outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
        outgoing.end(Buffer.from(await answer.arrayBuffer()));
      });
    },
  };
}
