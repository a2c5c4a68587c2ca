import { csrfHeaders } from "../../api/client";
import { Problem, problemFrom, readProblem } from "../../api/problem";
import type { paths } from "../../api/schema";

export type Answer = paths["/text"]["post"]["responses"][200]["content"]["application/json"];
export type Usage = Answer["usage"];

export interface Question {
  bot: string;
  conversation: string;
  audio?: Blob;
  text?: string;
  speak: boolean;
}

interface Sound {
  text: string;
  sample_rate_hz: number;
  pcm16: string;
}

/** What is told of a turn while it happens. */
export type Told =
  | { event: "session"; data: { session_id: string; corr_id: string } }
  | { event: "transcript"; data: { text: string; language: string | null } }
  | { event: "reply"; data: { delta: string } }
  | { event: "audio"; data: Sound }
  | { event: "done"; data: Answer };

/** Asks a bot and gives everything as it happens; a failure, also one on the way, is thrown as a Problem. */
export async function* ask(question: Question, signal: AbortSignal): AsyncGenerator<Told> {
  const response = await send(question, signal);
  if (!response.ok || !response.body) throw await readProblem(response);
  for await (const { event, data } of events(response.body)) {
    if (event === "error") throw problemFrom(Number(data.status), data, null);
    yield { event, data } as Told;
  }
}

async function send({ bot, conversation, audio, text, speak }: Question, signal: AbortSignal): Promise<Response> {
  const accept = { Accept: "text/event-stream", ...csrfHeaders() };
  try {
    if (!audio) {
      const body = JSON.stringify({ text, bot, conversation_id: conversation, speak });
      return await fetch("/text", {
        method: "POST",
        signal,
        headers: { ...accept, "Content-Type": "application/json" },
        body,
      });
    }
    const form = new FormData();
    form.set("bot", bot);
    form.set("conversation_id", conversation);
    form.set("speak", String(speak));
    form.set("file", audio, audio.type.includes("mp4") ? "question.m4a" : "question.webm");
    return await fetch("/audio", { method: "POST", signal, headers: accept, body: form });
  } catch (failure) {
    if (failure instanceof DOMException) throw failure;
    throw Problem.unreachable();
  }
}

interface ServerEvent {
  event: string;
  data: Record<string, unknown>;
}

/** Server-sent events of an answer. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      held += decoder.decode(value, { stream: !done });
      const blocks = held.split("\n\n");
      held = blocks.pop() ?? "";
      for (const block of blocks) {
        const found = parse(block);
        if (found) yield found;
      }
      if (done) return;
    }
  } finally {
    reader.releaseLock();
  }
}

function parse(block: string): ServerEvent | null {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length > 0 ? { event, data: JSON.parse(data.join("\n")) as Record<string, unknown> } : null;
}
