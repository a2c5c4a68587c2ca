import { Badge, Progress } from "@mantine/core";
import { IconAlertTriangleFilled, IconCircleCheckFilled } from "@tabler/icons-react";
import { queryOptions, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import type { ServerStatus } from "../../api/types";
import { useFormat } from "../../i18n/format";
import { useSaid } from "../../i18n/said";
import { token } from "../../theme/theme";
import { List, Row } from "../../ui/List";
import { Page, Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import classes from "./Status.module.css";

const REFRESH_MS = 3000;

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: () => body(api.GET("/api/status")),
});

export function Status() {
  const { t } = useTranslation();
  const format = useFormat();
  const status = useQuery({ ...statusQuery, refetchInterval: REFRESH_MS });
  const data = status.data;
  return (
    <Page
      wide
      title={t("rooms.status")}
      lead={data && t("status.lead", { version: data.version, node: data.node, when: format.ago(data.started_at) })}
    >
      <ProblemNote failure={status.error} onRetry={() => void status.refetch()} />
      {status.isPending && <RowSkeletons rows={5} />}
      {data && (
        <>
          <Verdict status={data} />
          <Parts status={data} />
          <Jobs jobs={data.jobs} />
          <Engines engines={data.engines} />
          <LanguageEngines engines={data.language} />
          <Checks checks={data.checks} />
        </>
      )}
    </Page>
  );
}

function Sign({ ok }: { ok: boolean }) {
  const { t } = useTranslation();
  return ok ? (
    <IconCircleCheckFilled size={22} className={classes.good} role="img" aria-label={t("status.works")} />
  ) : (
    <IconAlertTriangleFilled size={22} className={classes.bad} role="img" aria-label={t("status.worksNot")} />
  );
}

function Verdict({ status }: { status: ServerStatus }) {
  const { t } = useTranslation();
  const parts = [status.database.ok, status.events.ok, status.blobs.ok, ...status.checks.map((check) => check.ok)];
  const wrong = parts.filter((ok) => !ok).length;
  return (
    <p className={classes.verdict} data-ok={wrong === 0} role="status">
      <Sign ok={wrong === 0} />
      {wrong === 0 ? t("status.allWell") : t("status.attention", { count: wrong })}
    </p>
  );
}

function Tile({ label, ok, children, foot }: { label: string; ok?: boolean; children: ReactNode; foot?: ReactNode }) {
  return (
    <div className={classes.tile}>
      <dt className={classes.label}>
        {label}
        {ok !== undefined && <Sign ok={ok} />}
      </dt>
      <dd className={classes.value}>
        {children}
        {foot && <span className={classes.foot}>{foot}</span>}
      </dd>
    </div>
  );
}

function Parts({ status }: { status: ServerStatus }) {
  const { t } = useTranslation();
  const { database, events, blobs, speech } = status;
  return (
    <dl className={classes.tiles}>
      <Tile
        label={t("status.database")}
        ok={database.ok}
        foot={database.kind === "embedded" ? t("status.embedded") : t("status.given")}
      >
        PostgreSQL {database.version}
      </Tile>
      <Tile label={t("status.events")} ok={events.ok} foot={t("status.eventsWords")}>
        {events.kind}
      </Tile>
      <Tile label={t("status.blobs")} ok={blobs.ok} foot={t("status.blobsWords")}>
        {blobs.kind}
      </Tile>
      {speech && <Speech speech={speech} />}
    </dl>
  );
}

function Speech({ speech }: { speech: NonNullable<ServerStatus["speech"]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    t("status.queue", { count: speech.queue }),
    speech.real_time_factor !== null && t("status.factor", { factor: format.number(speech.real_time_factor, 2) }),
    speech.restarts > 0 && t("status.restarts", { count: speech.restarts }),
  ].filter(Boolean);
  return (
    <Tile
      label={t("status.live")}
      foot={
        <>
          {speech.capacity !== null && (
            <Progress
              size="sm"
              color={token("accent")}
              value={(100 * speech.streams) / Math.max(1, speech.capacity)}
              aria-label={t("status.live")}
              className={classes.bar}
            />
          )}
          {facts.join(" · ")}
        </>
      }
    >
      {speech.streams > 0 && <span className={classes.dot} />}
      {speech.capacity === null
        ? t("status.streams", { count: speech.streams })
        : t("status.streamsOf", { count: speech.streams, capacity: format.number(speech.capacity) })}
    </Tile>
  );
}

function Jobs({ jobs }: { jobs: ServerStatus["jobs"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const states = ["todo", "doing", "scheduled", "failed"] as const;
  return (
    <Section title={t("status.jobs")}>
      <dl className={classes.numbers}>
        {states.map((state) => (
          <div key={state} className={classes.number} data-bad={(state === "failed" && jobs.failed > 0) || undefined}>
            <dt>{t(`status.states.${state}`)}</dt>
            <dd>{format.number(jobs[state])}</dd>
          </div>
        ))}
      </dl>
      {jobs.queues.length > 0 && (
        <List label={t("status.queues")}>
          {jobs.queues.map((queue) => (
            <Row
              key={queue.name}
              name={<code>{queue.name}</code>}
              side={
                <span className={classes.foot}>
                  {t("status.queueLine", { todo: format.number(queue.todo), doing: format.number(queue.doing) })}
                </span>
              }
            />
          ))}
        </List>
      )}
    </Section>
  );
}

function LanguageEngines({ engines }: { engines: ServerStatus["language"] }) {
  const { t } = useTranslation();
  return (
    <Section title={t("status.language")} lead={t("status.languageLead")}>
      <List label={t("status.language")}>
        {engines.map((engine) => (
          <Row
            key={engine.name}
            quiet={!engine.works}
            name={<code>{engine.name}</code>}
            facts={
              <>
                {engine.name === "offline" && <span>{t("status.offline")}</span>}
                {engine.models.map((model) => (
                  <span key={model}>{model}</span>
                ))}
                <span>{t(`status.standings.${engine.standing}`, { setting: engine.setting ?? "" })}</span>
              </>
            }
            side={
              <Badge color={engine.works ? "good" : "quiet"}>
                {engine.works ? t("status.works") : t("status.notHere")}
              </Badge>
            }
          />
        ))}
      </List>
    </Section>
  );
}

function Engines({ engines }: { engines: ServerStatus["engines"] }) {
  const { t } = useTranslation();
  const said = useSaid();
  const kinds = ["stt", "tts"] as const;
  return (
    <Section title={t("status.engines")} lead={t("status.enginesLead")}>
      {kinds.map((kind) => {
        const some = engines.filter((engine) => engine.kind === kind);
        return some.length === 0 ? null : (
          <div key={kind}>
            <h3 className={classes.kind}>{t(`status.kinds.${kind}`)}</h3>
            <List label={t(`status.kinds.${kind}`)}>
              {some.map((engine) => (
                <Row
                  key={engine.name}
                  quiet={!engine.works}
                  name={<code>{engine.name}</code>}
                  facts={
                    <>
                      {engine.chosen && <span>{t("status.chosen")}</span>}
                      <span>
                        {said("engines.reasons", engine.reason.code, engine.reason.text, engine.reason.values)}
                      </span>
                      {engine.better && (
                        <span>
                          {said("engines.advice", engine.better.code, engine.better.text, engine.better.values)}
                        </span>
                      )}
                    </>
                  }
                  side={
                    <Badge color={engine.works ? "good" : "quiet"}>
                      {engine.works ? t("status.works") : t("status.notHere")}
                    </Badge>
                  }
                />
              ))}
            </List>
          </div>
        );
      })}
    </Section>
  );
}

function Checks({ checks }: { checks: ServerStatus["checks"] }) {
  const { t } = useTranslation();
  const said = useSaid();
  if (checks.length === 0) return null;
  return (
    <Section title={t("status.checks")} lead={t("status.checksLead")}>
      <List label={t("status.checks")}>
        {checks.map((check) => (
          <Row
            key={check.name}
            start={<Sign ok={check.ok} />}
            name={said("checks.names", check.name, check.name)}
            facts={
              <>
                <span>{said("checks.said", check.code, said("problems", check.code, check.detail))}</span>
                {!check.ok && check.fix && (
                  <strong className={classes.fix}>{said("checks.fixes", check.name, check.fix)}</strong>
                )}
              </>
            }
          />
        ))}
      </List>
    </Section>
  );
}
