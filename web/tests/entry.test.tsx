import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../fake/server";
import { openPage } from "./page";

function signedOut() {
  const server = new FakeServer();
  server.me = null;
  return server;
}

describe("signing in", () => {
  it("leads back to where the person was going", async () => {
    const { user, router } = await openPage("/settings/keys", signedOut());
    await user.type(await screen.findByLabelText("E-mail"), "owner@example.org");
    await user.type(screen.getByLabelText("Password"), "correct horse");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Keys" })).toBeVisible();
    expect(router.state.location.pathname).toBe("/settings/keys");
  });

  it("says what is wrong, with the code and the correlation id", async () => {
    const { user } = await openPage("/sign-in", signedOut());
    await user.type(await screen.findByLabelText("E-mail"), "owner@example.org");
    await user.type(screen.getByLabelText("Password"), "wrong");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    const note = await screen.findByRole("alert");
    expect(note).toHaveTextContent("The e-mail or the password is not right.");
    expect(note).toHaveTextContent("not_signed_in · 0192f3-fake");
  });

  it("offers the provider only when there is one", async () => {
    const server = signedOut();
    server.options.oidc = null;
    await openPage("/sign-in", server);
    await screen.findByRole("button", { name: "Sign in" });
    expect(screen.queryByRole("link", { name: /Single sign-on/ })).toBeNull();
  });

  it("with the one-time link makes the first account", async () => {
    const { user, server } = await openPage("/?link=once", signedOut());
    await user.type(await screen.findByLabelText("Name"), "Owner One");
    await user.type(screen.getByLabelText("E-mail"), "owner@example.org");
    await user.type(screen.getByLabelText("New password"), "correct horse");
    await user.click(screen.getByRole("button", { name: "Make my account" }));
    await screen.findAllByRole("navigation", { name: "Rooms" });
    expect(server.asked[0]).toMatchObject({ path: "/api/auth/claim", body: { link: "once", name: "Owner One" } });
  });

  it("is asked for again when the session has ended meanwhile", async () => {
    const { server, router, user } = await openPage("/");
    await screen.findAllByRole("heading", { level: 1 });
    server.me = null;
    await user.click((await screen.findAllByRole("link", { name: "Status" }))[0] as HTMLElement);
    await waitFor(() => expect(router.state.location.pathname).toBe("/sign-in"));
    expect(router.state.location.search).toEqual({ next: "/status" });
  });
});

describe("an invitation", () => {
  it("is accepted with a new account", async () => {
    const { user, server } = await openPage("/invitations/abc", signedOut());
    expect(await screen.findByRole("heading", { name: "Join Radio club" })).toBeVisible();
    await user.type(await screen.findByLabelText("Name"), "Second Person");
    await user.type(screen.getByLabelText("E-mail"), "second@example.org");
    await user.type(screen.getByLabelText("New password"), "correct horse");
    await user.click(screen.getByRole("button", { name: "Join" }));
    await screen.findAllByRole("navigation", { name: "Rooms" });
    expect(server.asked[0]).toMatchObject({
      path: "/api/invitations/abc/accept",
      body: { name: "Second Person", email: "second@example.org", password: "correct horse" },
    });
  });
});
