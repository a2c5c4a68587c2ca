import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../fake/server";
import { openPage } from "./page";

describe("the navigation", () => {
  it("shows only the doors that the server lists", async () => {
    const server = new FakeServer();
    if (server.me) server.me.features = ["unheard-of"];
    await openPage("/", server);
    await screen.findByRole("heading", { level: 1 });
    expect(screen.queryByRole("link", { name: "Transcribe" })).toBeNull();
    expect(screen.getAllByRole("link", { name: "Status" }).length).toBeGreaterThan(0);
  });

  it("switches the active space", async () => {
    const { user, server } = await openPage("/");
    await user.click((await screen.findAllByRole("button", { name: /^Space: Home/ }))[0] as HTMLElement);
    await user.click(await screen.findByRole("menuitem", { name: "Radio club" }));
    await waitFor(() => expect(server.me?.active_space_id).toBe("space-2"));
    expect(await screen.findAllByRole("button", { name: /^Space: Radio club/ })).not.toHaveLength(0);
  });
});

describe("search", () => {
  it("starts on / from anywhere but a field", async () => {
    await openPage("/settings/keys");
    const field = await screen.findByRole("searchbox");
    fireEvent.keyDown(document.body, { key: "/" });
    expect(field).toHaveFocus();
  });
});

describe("transcriptions", () => {
  it("show a failure with the words of the server", async () => {
    await openPage("/transcribe/transcription-4");
    expect(await screen.findByRole("alert")).toHaveTextContent("Export it again and try once more.");
  });

  it("are read with voices, and searched", async () => {
    const { user } = await openPage("/transcribe/transcription-3");
    expect(await screen.findByText(/round table and talk/)).toBeVisible();
    await user.type(screen.getByRole("searchbox"), "CHAIRS");
    expect(await screen.findByText("1 passage")).toBeVisible();
    expect(screen.getByText("chairs").tagName).toBe("MARK");
  });
});

describe("the status", () => {
  it("counts what needs attention and names the fix", async () => {
    await openPage("/status");
    expect(await screen.findByText("1 thing needs attention.")).toBeVisible();
    expect(screen.getByText(/whether the disk has room/, { selector: "strong" })).toBeVisible();
  });

  it("says what the server found in the reader's language, and in the server's where there are no words yet", async () => {
    const server = new FakeServer();
    const odd = { name: "crystal ball", ok: false, code: "clouded", detail: "It is clouded.", fix: null };
    server.status.checks.push(odd);
    await openPage("/status", server, "ru");
    expect(await screen.findByText("На этой машине нет моделей")).toBeVisible();
    expect(screen.getByText("Не отвечает вовремя")).toBeVisible();
    expect(screen.getByText(/есть ли место на диске/, { selector: "strong" })).toBeVisible();
    expect(screen.getByText("It is clouded.")).toBeVisible();
  });
});
