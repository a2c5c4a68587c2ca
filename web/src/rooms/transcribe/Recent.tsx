import { Badge, Button, Progress } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Transcription } from "../../api/types";
import { duration, useFormat } from "../../i18n/format";
import { token } from "../../theme/theme";
import { Empty } from "../../ui/Empty";
import { List, Row, Tools } from "../../ui/List";
import { Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { SearchField } from "../../ui/SearchField";
import { RowSkeletons } from "../../ui/Skeletons";
import { useRemoval } from "../../ui/undo";
import classes from "./Transcribe.module.css";
import { isUnderWay, transcriptionsQuery, useDeleteTranscription } from "./transcriptions";

const SHOWN_AT_HOME = 5;

/** What has been transcribed lately: the whole list with a search, or the newest few. */
export function RecentTranscriptions({ searchable = false }: { searchable?: boolean }) {
  const { t } = useTranslation();
  const recent = useInfiniteQuery(transcriptionsQuery);
  const [search, setSearch] = useState("");
  const deleting = useDeleteTranscription();
  const removal = useRemoval((id) => deleting.mutateAsync(id));
  const all = (recent.data?.pages ?? []).flatMap((page) => page.items).filter((item) => !removal.hidden.has(item.id));
  const found = all.filter((item) => item.name.toLowerCase().includes(search.trim().toLowerCase()));
  const items = searchable ? found : all.slice(0, SHOWN_AT_HOME);
  if (!searchable && all.length === 0) return null;
  return (
    <Section title={t("transcribe.recent")}>
      {searchable && all.length > 0 && (
        <Tools>
          <SearchField label={t("transcribe.search")} value={search} onChange={setSearch} />
        </Tools>
      )}
      <ProblemNote failure={recent.error} onRetry={() => void recent.refetch()} />
      {recent.isPending && <RowSkeletons />}
      {recent.isSuccess && all.length === 0 && (
        <Empty icon={<IconFileText size={28} />} title={t("transcribe.emptyTitle")}>
          {t("transcribe.emptyWords")}
        </Empty>
      )}
      {items.length > 0 && (
        <List label={t("transcribe.recent")}>
          {items.map((item) => (
            <TranscriptionRow
              key={item.id}
              item={item}
              onRemove={searchable ? () => removal.remove(item.id, t("transcribe.removed", { name: item.name })) : null}
            />
          ))}
        </List>
      )}
      {searchable && recent.hasNextPage && (
        <div>
          <Button variant="default" loading={recent.isFetchingNextPage} onClick={() => void recent.fetchNextPage()}>
            {t("actions.more")}
          </Button>
        </div>
      )}
      {searchable && all.length > 0 && items.length === 0 && <p>{t("search.nothing", { words: search })}</p>}
    </Section>
  );
}

function TranscriptionRow({ item, onRemove }: { item: Transcription; onRemove: (() => void) | null }) {
  const { t } = useTranslation();
  return (
    <Row
      name={
        <>
          <Link to="/transcribe/$id" params={{ id: item.id }}>
            {item.name}
          </Link>
          {item.status === "failed" && <Badge color="bad">{t("transcribe.states.failed")}</Badge>}
          {isUnderWay(item) && (
            <Badge color="warn">{t(`transcribe.states.${item.status as "queued" | "running"}`)}</Badge>
          )}
        </>
      }
      facts={isUnderWay(item) ? <UnderWay item={item} /> : <Facts item={item} />}
      side={
        onRemove && (
          <Button
            size="sm"
            variant="subtle"
            color="quiet"
            aria-label={t("transcribe.removeOne", { name: item.name })}
            onClick={onRemove}
          >
            {t("actions.remove")}
          </Button>
        )
      }
    />
  );
}

export function UnderWay({ item }: { item: Transcription }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      <span>{format.percent(item.progress)}</span>
      {item.eta_seconds !== null && <span>{t("transcribe.left", { time: duration(item.eta_seconds) })}</span>}
      <Progress
        className={classes.bar}
        size="sm"
        color={token("accent")}
        value={item.progress * 100}
        aria-label={t("transcribe.progressOf", { name: item.name })}
      />
    </>
  );
}

export function Facts({ item }: { item: Transcription }) {
  const format = useFormat();
  return (
    <>
      {item.duration_seconds !== null && <span>{duration(item.duration_seconds)}</span>}
      {item.language && <span>{format.language(item.language)}</span>}
      {item.engine && <span>{item.engine}</span>}
      <time dateTime={item.created_at} title={format.moment(item.created_at)}>
        {format.shortly(item.created_at)}
      </time>
    </>
  );
}
