import { Badge, Button } from "@mantine/core";
import { IconUserPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../../api/client";
import { useActiveSpace, useMe } from "../../../api/session";
import type { Space, User } from "../../../api/types";
import { useFormat } from "../../../i18n/format";
import { List, Row, Tools } from "../../../ui/List";
import { Page, Section } from "../../../ui/Page";
import { Person } from "../../../ui/Person";
import { ProblemNote } from "../../../ui/ProblemNote";
import { SearchField } from "../../../ui/SearchField";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure, useUndoNotice } from "../../../ui/undo";
import { InviteDialog } from "../spaces/InviteDialog";
import { Members, PendingInvitations } from "../spaces/Members";

const PAGE = 50;

export function People() {
  const { t } = useTranslation();
  const me = useMe();
  const space = useActiveSpace();
  const [search, setSearch] = useState("");
  const [inviting, setInviting] = useState(false);
  const manages = space !== undefined && space.role !== "MEMBER";
  return (
    <Page
      title={t("settings.people")}
      lead={t("people.lead")}
      action={
        manages && (
          <Button leftSection={<IconUserPlus size={18} aria-hidden="true" />} onClick={() => setInviting(true)}>
            {t("people.invite")}
          </Button>
        )
      }
    >
      <Tools>
        <SearchField label={t("people.search")} value={search} onChange={setSearch} />
      </Tools>
      {space && <InSpace space={space} search={search} />}
      {me.user.is_owner && <Everyone search={search} />}
      {space && <InviteDialog space={space} opened={inviting} onClose={() => setInviting(false)} />}
    </Page>
  );
}

function InSpace({ space, search }: { space: Space; search: string }) {
  const { t } = useTranslation();
  return (
    <>
      <Section title={t("people.inSpace", { space: space.name })}>
        <Members space={space} search={search} />
      </Section>
      {space.role !== "MEMBER" && <PendingInvitations space={space} />}
    </>
  );
}

/** Everyone with an account on this server; only its owner sees them. */
function Everyone({ search }: { search: string }) {
  const { t } = useTranslation();
  const users = useInfiniteQuery({
    queryKey: ["users"],
    queryFn: ({ pageParam }) =>
      body(api.GET("/api/users", { params: { query: { limit: PAGE, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const wanted = search.trim().toLowerCase();
  const items = (users.data?.pages ?? [])
    .flatMap((page) => page.items)
    .filter((user) => `${user.name} ${user.email}`.toLowerCase().includes(wanted));
  return (
    <Section title={t("people.everyone")} lead={t("people.everyoneLead")}>
      <ProblemNote failure={users.error} onRetry={() => void users.refetch()} />
      {users.isPending && <RowSkeletons />}
      {items.length > 0 && (
        <List label={t("people.everyone")}>
          {items.map((user) => (
            <UserRow key={user.id} user={user} />
          ))}
        </List>
      )}
      {users.isSuccess && items.length === 0 && <p>{t("search.nothing", { words: search })}</p>}
      {users.hasNextPage && (
        <div>
          <Button variant="default" loading={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
            {t("actions.more")}
          </Button>
        </div>
      )}
    </Section>
  );
}

function UserRow({ user }: { user: User }) {
  const { t } = useTranslation();
  const format = useFormat();
  const me = useMe();
  const notice = useUndoNotice();
  const queryClient = useQueryClient();
  const disabling = useMutation({
    mutationFn: (disabled: boolean) =>
      body(api.PATCH("/api/users/{id}", { params: { path: { id: user.id } }, body: { disabled } })),
    onError: showFailure,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["users"] }),
  });
  const off = user.disabled_at !== null;
  const set = (disabled: boolean) =>
    disabling.mutate(disabled, {
      onSuccess: () => {
        if (disabled) notice(t("people.disabledNotice", { name: user.name }), () => set(false));
      },
    });
  return (
    <Row
      quiet={off}
      start={<Person identity={user.id} name={user.name} />}
      name={
        <>
          {user.name}
          {user.is_owner && <Badge color="terracotta">{t("people.serverOwner")}</Badge>}
          {off && <Badge color="bad">{t("people.disabled")}</Badge>}
        </>
      }
      facts={
        <>
          <span>{user.email}</span>
          <span>
            {user.last_seen_at ? t("people.seen", { when: format.ago(user.last_seen_at) }) : t("people.neverSeen")}
          </span>
        </>
      }
      side={
        user.id !== me.user.id && (
          <Button
            size="sm"
            variant="subtle"
            color="quiet"
            loading={disabling.isPending}
            aria-label={t(off ? "people.enableOne" : "people.disableOne", { name: user.name })}
            onClick={() => set(!off)}
          >
            {off ? t("people.enable") : t("people.disable")}
          </Button>
        )
      }
    />
  );
}
