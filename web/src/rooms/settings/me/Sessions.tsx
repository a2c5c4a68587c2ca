import { Badge, Button } from "@mantine/core";
import { IconDeviceDesktop, IconDeviceMobile } from "@tabler/icons-react";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../../api/client";
import { useFormat } from "../../../i18n/format";
import { List, Row } from "../../../ui/List";
import { Section } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure } from "../../../ui/undo";
import { browserName, isPhone } from "./browser";

const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: () => body(api.GET("/api/me/sessions")),
});

function useEndSession() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (id: string | null) => {
      await (id === null
        ? api.DELETE("/api/me/sessions")
        : api.DELETE("/api/me/sessions/{id}", { params: { path: { id } } }));
    },
    onError: showFailure,
    onSettled: () => queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
}

export function Sessions() {
  const { t } = useTranslation();
  const format = useFormat();
  const sessions = useQuery(sessionsQuery);
  const end = useEndSession();
  const items = sessions.data?.items ?? [];
  const others = items.some((session) => !session.current);
  return (
    <Section
      title={t("sessions.title")}
      lead={t("sessions.lead")}
      action={
        others && (
          <Button variant="default" loading={end.isPending} onClick={() => end.mutate(null)}>
            {t("sessions.endOthers")}
          </Button>
        )
      }
    >
      <ProblemNote failure={sessions.error} onRetry={() => void sessions.refetch()} />
      {sessions.isPending && <RowSkeletons rows={2} />}
      {items.length > 0 && (
        <List label={t("sessions.title")}>
          {items.map((session) => {
            const Icon = isPhone(session.user_agent) ? IconDeviceMobile : IconDeviceDesktop;
            return (
              <Row
                key={session.id}
                start={<Icon size={24} stroke={1.5} aria-hidden="true" />}
                name={
                  <>
                    {browserName(session.user_agent) ?? t("sessions.unknown")}
                    {session.current && <Badge color="good">{t("sessions.this")}</Badge>}
                  </>
                }
                facts={
                  <>
                    <span>{t("sessions.seen", { when: format.ago(session.last_seen_at) })}</span>
                    {session.ip && <span>{session.ip}</span>}
                  </>
                }
                side={
                  !session.current && (
                    <Button size="sm" variant="subtle" color="quiet" onClick={() => end.mutate(session.id)}>
                      {t("sessions.end")}
                    </Button>
                  )
                }
              />
            );
          })}
        </List>
      )}
    </Section>
  );
}
