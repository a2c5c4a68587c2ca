import { useEffect, useState, useSyncExternalStore } from "react";
import { csrfHeaders } from "../../api/client";
import { Problem } from "../../api/problem";
import { LiveCallError, type LiveSession, LiveServer, type LiveView, LockedTab } from "../../live";
import { Conversation, type ConversationView } from "./conversation";

export const server = new LiveServer({ headers: csrfHeaders });
export const tab = new LockedTab();

/** The one conversation of this tab. It outlives the room, so that looking something up elsewhere does not end it. */
export const conversation = new Conversation(server, tab);

export function useConversation(): ConversationView {
  return useSyncExternalStore(conversation.view.subscribe, conversation.view.get);
}

const nothing = () => () => {};

/** What there is to show of a session; null while there is none. */
export function useSessionView(session: LiveSession | null): LiveView | null {
  return useSyncExternalStore(session?.view.subscribe ?? nothing, () => session?.view.get() ?? null);
}

/** Whether another tab of this browser is listening. */
export function useElsewhere(): boolean {
  const [elsewhere, setElsewhere] = useState(false);
  useEffect(() => tab.watch(setElsewhere), []);
  return elsewhere;
}

/** A call's failure as the page tells failures. */
export function problemOf(failure: Error | null): Error | null {
  if (!(failure instanceof LiveCallError)) return failure;
  return new Problem(failure.status, failure.code, failure.detail, failure.correlationId);
}
