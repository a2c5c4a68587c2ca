import { Badge, Button } from "@mantine/core";
import { IconBooks } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { duration, useFormat } from "../../i18n/format";
import { Empty } from "../../ui/Empty";
import { List, Row } from "../../ui/List";
import { Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { DemoNote, DemoOffer } from "./Demo";
import { filtersSet, type LibrarySearch } from "./filters";
import { conversationsQuery, type Transcript } from "./hall";
import { kindIcons, useTitle } from "./kinds";
import classes from "./Library.module.css";
import { More } from "./More";

/** Conversations that the filters leave, the latest first. */
export function Conversations({ search }: { search: LibrarySearch }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const list = useInfiniteQuery(conversationsQuery(search, space?.id));
  const all = (list.data?.pages ?? []).flatMap((page) => page.items);
  const narrowed = filtersSet(search) > 0;
  return (
    <>
      <ProblemNote failure={list.error} onRetry={() => void list.refetch()} />
      {list.isPending && <RowSkeletons rows={6} />}
      {list.isSuccess && all.length === 0 && narrowed && <p role="status">{t("library.nothingLeft")}</p>}
      {list.isSuccess && all.length === 0 && !narrowed && <NothingYet />}
      {all.length > 0 && <DemoNote />}
      {all.length > 0 && (
        <div className={list.isPlaceholderData ? classes.stale : undefined}>
          <List label={t("library.conversations")}>
            {all.map((one) => (
              <ConversationRow key={one.id} transcript={one} />
            ))}
          </List>
        </div>
      )}
      <More query={list} />
    </>
  );
}

function NothingYet() {
  const { t } = useTranslation();
  return (
    <>
      <DemoNote />
      <Empty icon={<IconBooks size={28} />} title={t("library.emptyTitle")} action={<DemoOffer />}>
        {t("library.emptyWords")}
      </Empty>
    </>
  );
}

export function ConversationRow({ transcript, side }: { transcript: Transcript; side?: ReactNode }) {
  const { t } = useTranslation();
  const title = useTitle();
  const Icon = kindIcons[transcript.kind];
  return (
    <Row
      start={
        <span className={classes.kind} role="img" aria-label={t(`library.kinds.${transcript.kind}`)}>
          <Icon size={20} stroke={1.6} />
        </span>
      }
      name={
        <>
          <Link to="/library/$id" params={{ id: transcript.id }}>
            {title(transcript)}
          </Link>
          {transcript.state === "open" && <Badge color="bad">{t("library.open")}</Badge>}
          {transcript.tags.map((tag) => (
            <Badge key={tag} color="quiet">
              {tag}
            </Badge>
          ))}
        </>
      }
      facts={<Facts transcript={transcript} />}
      side={side}
    />
  );
}

/** What is known of a conversation at a glance. */
export function Facts({ transcript }: { transcript: Transcript }) {
  const format = useFormat();
  return (
    <>
      <time dateTime={transcript.started_at} title={format.moment(transcript.started_at)}>
        {format.shortly(transcript.started_at)}
      </time>
      {transcript.duration_seconds > 0 && <span>{duration(transcript.duration_seconds)}</span>}
      {transcript.language && <span>{format.language(transcript.language)}</span>}
      {transcript.provider && <span className={classes.engine}>{transcript.provider}</span>}
    </>
  );
}

/** The latest few, at home. */
export function RecentConversations() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const list = useInfiniteQuery(conversationsQuery({}, space?.id, 5));
  const latest = list.data?.pages[0]?.items ?? [];
  if (!list.isSuccess) return null;
  if (latest.length === 0) return <NothingYet />;
  return (
    <Section title={t("library.recent")}>
      <List label={t("library.recent")}>
        {latest.map((one) => (
          <ConversationRow key={one.id} transcript={one} />
        ))}
      </List>
      {list.hasNextPage && (
        <div>
          <Button component={Link} to="/library" variant="default">
            {t("library.all")}
          </Button>
        </div>
      )}
    </Section>
  );
}
