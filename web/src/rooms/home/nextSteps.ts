import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useActiveSpace, useMe } from "../../api/session";
import { keysQuery } from "../settings/keys/keys";
import { invitationsQuery, membersQuery } from "../settings/spaces/spaces";
import { transcriptionsQuery } from "../transcribe/transcriptions";

export interface NextStep {
  name: "transcribe" | "invite" | "key";
  to: "/transcribe" | "/settings/people" | "/settings/keys";
  done: boolean;
}

/** What makes this server one's own, and which of it is done already. */
export function useNextSteps(): { steps: NextStep[]; pending: boolean } {
  const { features } = useMe();
  const space = useActiveSpace();
  const canTranscribe = features.includes("transcribe");
  const mayInvite = space !== undefined && space.role !== "MEMBER";
  const transcriptions = useInfiniteQuery({ ...transcriptionsQuery, enabled: canTranscribe });
  const members = useQuery({ ...membersQuery(space?.id ?? ""), enabled: mayInvite });
  const invitations = useQuery({ ...invitationsQuery(space?.id ?? ""), enabled: mayInvite });
  const keys = useQuery(keysQuery);
  const invited = (members.data?.items.length ?? 0) > 1 || (invitations.data?.items.length ?? 0) > 0;
  const steps: NextStep[] = [];
  if (canTranscribe) {
    steps.push({ name: "transcribe", to: "/transcribe", done: (transcriptions.data?.pages[0]?.items.length ?? 0) > 0 });
  }
  if (mayInvite) steps.push({ name: "invite", to: "/settings/people", done: invited });
  steps.push({ name: "key", to: "/settings/keys", done: (keys.data?.items.length ?? 0) > 0 });
  const pending = [transcriptions, members, invitations, keys].some((query) => query.isLoading);
  return { steps, pending };
}
