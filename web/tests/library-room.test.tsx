import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../fake/server";
import { openPage } from "./page";

function library(): FakeServer {
  const server = new FakeServer();
  if (server.me) server.me.features = ["library"];
  return server;
}

describe("the library", () => {
  it("lists what there is, and leaves one kind of it", async () => {
    const { user } = await openPage("/library", library());
    expect(await screen.findByRole("link", { name: "A chair that creaks" })).toBeVisible();
    await user.click(await screen.findByRole("button", { name: /^Meeting/ }));
    expect(await screen.findByRole("button", { name: /^Meeting/, pressed: true })).toBeVisible();
    await expect.poll(() => screen.queryByRole("link", { name: "A chair that creaks" }), { timeout: 5000 }).toBeNull();
    expect(screen.getByRole("link", { name: "La mesa redonda" })).toBeVisible();
  });

  it("finds what was said while one types, and leads to it", async () => {
    const { user } = await openPage("/library", library());
    await user.type(await screen.findByRole("searchbox"), "friday");
    const found = await screen.findByText("Friday");
    expect(found.tagName).toBe("MARK");
    expect(found.closest("a")).toHaveAttribute("href", "/library/conversation-1?at=u2");
  });

  it("says of an unknown conversation that it is not there", async () => {
    await openPage("/library/no-such-one", library());
    expect(await screen.findByRole("alert")).toBeVisible();
  });
});
