import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";
import { FakeServer } from "../fake/server";
import { App } from "../src/App";
import { makeQueryClient } from "../src/api/queryClient";
import { meQuery } from "../src/api/session";
import { type Language, speak, startWords } from "../src/i18n";
import { makeRouter } from "../src/router";

/** Opens the whole page at an address, on a made-up server. */
export async function openPage(path: string, server = new FakeServer(), language: Language = "en") {
  vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => server.handle(new Request(input, init)));
  await startWords();
  await speak(language);
  const queryClient = makeQueryClient(() => {
    queryClient.setQueryData(meQuery.queryKey, null);
    void router.invalidate();
  });
  const router = makeRouter(queryClient, createMemoryHistory({ initialEntries: [path] }));
  const view = render(<App queryClient={queryClient} router={router} />);
  return { ...view, server, router, user: userEvent.setup() };
}
