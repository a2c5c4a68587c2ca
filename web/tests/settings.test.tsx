import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../fake/server";
import { openPage } from "./page";

describe("keys", () => {
  it("are made with scopes and shown once", async () => {
    const { user, server } = await openPage("/settings/keys");
    await user.click(await screen.findByRole("button", { name: "New key" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("Name"), "Recorder");
    expect(within(dialog).getByRole("button", { name: "New key" })).toBeDisabled();
    await user.click(await within(dialog).findByRole("checkbox", { name: /^speech/ }));
    await user.click(within(dialog).getByRole("button", { name: "New key" }));
    expect(await screen.findByLabelText("Key")).toHaveTextContent(/^tt_/);
    expect(server.asked.at(-1)).toMatchObject({
      method: "POST",
      path: "/api/keys",
      csrf: "csrf-of-the-fake",
      body: { name: "Recorder", scopes: ["speech"], space_id: null },
    });
    await user.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(screen.queryByLabelText("Key")).toBeNull());
  });

  it("are revoked after a question, since that cannot be taken back", async () => {
    const { user, server } = await openPage("/settings/keys");
    await user.click(await screen.findByRole("button", { name: "Revoke Desk script" }));
    const dialog = await screen.findByRole("dialog");
    expect(server.asked).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Revoke" }));
    await waitFor(() => expect(server.keys.map((key) => key.name)).toEqual(["Old recorder"]));
  });

  it("teach when there are none", async () => {
    const server = new FakeServer();
    server.keys = [];
    await openPage("/settings/keys", server);
    expect(await screen.findByText("No keys yet")).toBeVisible();
  });
});

describe("members", () => {
  it("who are removed come back by undo, and the server never hears of it", async () => {
    const { user, server } = await openPage("/settings/spaces/space-1");
    await user.click(await screen.findByRole("button", { name: "Remove Second Person" }));
    expect(screen.queryByText("second@example.org")).toBeNull();
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    expect(await screen.findByText("second@example.org")).toBeVisible();
    expect(server.asked).toEqual([]);
  });

  it("who are removed are gone when the room is left", async () => {
    const { user, server, router } = await openPage("/settings/spaces/space-1");
    await user.click(await screen.findByRole("button", { name: "Remove Second Person" }));
    await router.navigate({ to: "/settings/me" });
    await waitFor(() => expect(server.members.map((member) => member.name)).not.toContain("Second Person"));
  });

  it("change roles, with a way back", async () => {
    const { user, server } = await openPage("/settings/spaces/space-1");
    await user.selectOptions(await screen.findByLabelText("Role of Fourth Person"), "ADMIN");
    await waitFor(() => expect(server.members.find((one) => one.user_id === "user-4")?.role).toBe("ADMIN"));
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(server.members.find((one) => one.user_id === "user-4")?.role).toBe("MEMBER"));
  });

  it("cannot be managed by a plain member", async () => {
    await openPage("/settings/spaces/space-3");
    await screen.findByText("second@example.org");
    expect(screen.queryByRole("button", { name: "Invite" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Remove/ })).toBeNull();
    expect(screen.queryByLabelText(/^Role of/)).toBeNull();
  });
});

describe("invitations", () => {
  it("are made as a link with a role", async () => {
    const { user, server } = await openPage("/settings/people");
    await user.click((await screen.findAllByRole("button", { name: "Invite" }))[0] as HTMLElement);
    await user.click(await screen.findByRole("button", { name: "Make the link" }));
    expect(await screen.findByLabelText("Invitation link")).toHaveTextContent(/\/invitations\//);
    expect(server.asked.at(-1)).toMatchObject({
      path: "/api/spaces/space-1/invitations",
      body: { role: "MEMBER", email: null },
    });
  });
});

describe("people", () => {
  it("of the whole server are shown to its owner alone", async () => {
    const server = new FakeServer();
    if (server.me) server.me.user.is_owner = false;
    await openPage("/settings/people", server);
    await screen.findByText("In Home");
    expect(screen.queryByText("Everyone on this server")).toBeNull();
  });

  it("are disabled, with a way back", async () => {
    const { user, server } = await openPage("/settings/people");
    await user.click(await screen.findByRole("button", { name: "Disable Second Person" }));
    await waitFor(() => expect(server.users[1]?.disabled_at).not.toBeNull());
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(server.users[1]?.disabled_at).toBeNull());
  });
});

describe("spaces", () => {
  it("are erased only after their name is typed", async () => {
    const { user, server } = await openPage("/settings/spaces/space-1");
    await user.click(await screen.findByRole("button", { name: "Delete…" }));
    const erase = await screen.findByRole("button", { name: "Erase it" });
    expect(erase).toBeDisabled();
    await user.type(screen.getByLabelText(/^Type/), "Home");
    await user.click(erase);
    await waitFor(() => expect(server.spaces.map((space) => space.id)).not.toContain("space-1"));
  });
});

describe("webhooks", () => {
  it("keep a ledger that can be looked into and sent again", async () => {
    const { user, server } = await openPage("/settings/webhooks/webhook-1");
    await user.click((await screen.findAllByRole("button", { name: "Show" }))[0] as HTMLElement);
    expect(await screen.findByText(/"transcription.done"/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Close" }));
    await user.click(screen.getAllByRole("button", { name: "Send again" })[2] as HTMLElement);
    await waitFor(() => expect(server.asked.at(-1)?.path).toBe("/api/webhooks/deliveries/delivery-3/replay"));
  });
});

describe("me", () => {
  it("changes language at once and tells the server", async () => {
    const { user, server } = await openPage("/settings/me");
    await user.click(await screen.findByRole("radio", { name: "Español" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Yo" })).toBeVisible();
    await waitFor(() => expect(server.me?.user.language).toBe("es"));
    expect(document.documentElement.lang).toBe("es");
  });
});
