import { Badge, Button, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/session";
import type { Member, Role, Space } from "../../../api/types";
import { useFormat } from "../../../i18n/format";
import { List, Row } from "../../../ui/List";
import { Section } from "../../../ui/Page";
import { Person } from "../../../ui/Person";
import { ProblemNote } from "../../../ui/ProblemNote";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure, useRemoval, useUndoNotice } from "../../../ui/undo";
import { changeRole, invitationsQuery, membersQuery, removeMember, useSpaceChange, withdrawInvitation } from "./spaces";

const everyRole: Role[] = ["MEMBER", "ADMIN", "OWNER"];

interface MembersProps {
  space: Space;
  search?: string;
}

/** Who is in a space, with what role. */
export function Members({ space, search = "" }: MembersProps) {
  const { t } = useTranslation();
  const me = useMe();
  const members = useQuery(membersQuery(space.id));
  const leaving = useSpaceChange(removeMember);
  const removal = useRemoval((userId) => leaving.mutateAsync({ id: space.id, userId }));
  const manages = space.role !== "MEMBER";
  const wanted = search.trim().toLowerCase();
  const items = (members.data?.items ?? []).filter(
    (member) => !removal.hidden.has(member.user_id) && `${member.name} ${member.email}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <ProblemNote failure={members.error} onRetry={() => void members.refetch()} />
      {members.isPending && <RowSkeletons />}
      {items.length > 0 && (
        <List label={t("members.title")}>
          {items.map((member) => (
            <Row
              key={member.user_id}
              start={<Person identity={member.user_id} name={member.name} />}
              name={
                <>
                  {member.name}
                  {member.user_id === me.user.id && <Badge color="quiet">{t("members.you")}</Badge>}
                </>
              }
              facts={member.email}
              side={
                <>
                  <RoleOf member={member} space={space} />
                  {manages && member.user_id !== me.user.id && (
                    <Button
                      size="sm"
                      variant="subtle"
                      color="quiet"
                      aria-label={t("members.removeOne", { name: member.name })}
                      onClick={() => removal.remove(member.user_id, t("members.removed", { name: member.name }))}
                    >
                      {t("actions.remove")}
                    </Button>
                  )}
                </>
              }
            />
          ))}
        </List>
      )}
      {members.isSuccess && items.length === 0 && wanted && <p>{t("search.nothing", { words: search })}</p>}
    </>
  );
}

function RoleOf({ member, space }: { member: Member; space: Space }) {
  const { t } = useTranslation();
  const me = useMe();
  const notice = useUndoNotice();
  const changing = useSpaceChange(changeRole);
  const mine = member.user_id === me.user.id;
  const above = member.role === "OWNER" && space.role !== "OWNER";
  if (space.role === "MEMBER" || mine || above) return <Badge color="quiet">{t(`roles.${member.role}`)}</Badge>;
  const roles = space.role === "OWNER" ? everyRole : everyRole.filter((role) => role !== "OWNER");
  const set = (role: Role) =>
    changing.mutateAsync({ id: space.id, userId: member.user_id, role }).catch((failure: Error) => {
      showFailure(failure);
      return null;
    });
  return (
    <NativeSelect
      size="sm"
      aria-label={t("members.roleOf", { name: member.name })}
      value={member.role}
      disabled={changing.isPending}
      data={roles.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
      onChange={async (event) => {
        const before = member.role;
        const role = event.currentTarget.value as Role;
        const done = await set(role);
        if (done)
          notice(t("members.roleChanged", { name: member.name, role: t(`roles.${role}`) }), () => void set(before));
      }}
    />
  );
}

/** Invitations that have been made and not yet used. */
export function PendingInvitations({ space }: { space: Space }) {
  const { t } = useTranslation();
  const format = useFormat();
  const invitations = useQuery(invitationsQuery(space.id));
  const withdrawing = useSpaceChange(withdrawInvitation);
  const removal = useRemoval((invitationId) => withdrawing.mutateAsync({ id: space.id, invitationId }));
  const items = (invitations.data?.items ?? []).filter((invitation) => !removal.hidden.has(invitation.id));
  if (!invitations.error && items.length === 0) return null;
  return (
    <Section title={t("invite.pending")}>
      <ProblemNote failure={invitations.error} onRetry={() => void invitations.refetch()} />
      {items.length > 0 && (
        <List label={t("invite.pending")}>
          {items.map((invitation) => (
            <Row
              key={invitation.id}
              name={
                <>
                  {invitation.email ?? t("invite.anyone")}
                  <Badge color="quiet">{t(`roles.${invitation.role}`)}</Badge>
                </>
              }
              facts={t("invite.until", { date: format.date(invitation.expires_at) })}
              side={
                <Button
                  size="sm"
                  variant="subtle"
                  color="quiet"
                  onClick={() => removal.remove(invitation.id, t("invite.withdrawn"))}
                >
                  {t("invite.withdraw")}
                </Button>
              }
            />
          ))}
        </List>
      )}
    </Section>
  );
}
