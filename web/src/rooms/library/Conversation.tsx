import { useMediaQuery } from "@mantine/hooks";
import { IconArrowLeft } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ExportMenu } from "../../listening/ExportMenu";
import { FindField } from "../../listening/FindField";
import { paragraphs } from "../../listening/paragraphs";
import { PlayerBar } from "../../listening/PlayerBar";
import { useFinding } from "../../listening/useFinding";
import { usePlayer } from "../../listening/usePlayer";
import { Badge } from "@mantine/core";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import forms from "../settings/Form.module.css";
import { Facts } from "./Conversations";
import classes from "./Conversation.module.css";
import { type View, views } from "./filters";
import { exportAddress, type Segment, segmentsQuery, type Transcript, transcriptQuery } from "./hall";
import { Difference } from "./Difference";
import { useTitle } from "./kinds";
import { Manage } from "./Manage";
import { Said } from "./Said";
import { Side } from "./Side";
import { Tabs } from "./Tabs";
import { useWaveform } from "./waveform";

const route = getRouteApi("/inside/library/$id");

/** One conversation: heard, read, corrected, understood. */
export function Conversation() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const title = useTitle();
  const query = useQuery(transcriptQuery(id));
  const transcript = query.data;
  return (
    <Page
      wide
      title={transcript ? title(transcript) : t("rooms.library")}
      lead={transcript && <Lead transcript={transcript} />}
      above={
        <Link to="/library" className={forms.back}>
          <IconArrowLeft size={18} aria-hidden="true" />
          {t("rooms.library")}
        </Link>
      }
      action={
        transcript && (
          <div className={classes.actions}>
            <Manage transcript={transcript} />
            <ExportMenu address={(format) => exportAddress(id, format)} />
          </div>
        )
      }
    >
      <ProblemNote failure={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <RowSkeletons rows={5} />}
      {transcript && <Content key={id} transcript={transcript} />}
    </Page>
  );
}

function Lead({ transcript }: { transcript: Transcript }) {
  const { t } = useTranslation();
  return (
    <span className={classes.facts}>
      <span>{t(`library.kinds.${transcript.kind}`)}</span>
      <Facts transcript={transcript} />
      {transcript.tags.map((tag) => (
        <Badge key={tag} color="quiet">
          {tag}
        </Badge>
      ))}
    </span>
  );
}

/** All that was said, page after page, so that anything in it can be reached. */
function useSegments(transcript: Transcript): { segments: Segment[]; pending: boolean; failure: Error | null } {
  const query = useInfiniteQuery({
    ...segmentsQuery(transcript.id),
    refetchInterval: transcript.state === "open" ? 2_000 : false,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage, data } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, data]);
  const segments = useMemo(() => (data?.pages ?? []).flatMap((page) => page.items), [data]);
  return { segments, pending: query.isPending, failure: query.error };
}

function Content({ transcript }: { transcript: Transcript }) {
  const { t } = useTranslation();
  const { at, view: asked } = route.useSearch();
  const navigate = route.useNavigate();
  const { segments, pending, failure } = useSegments(transcript);
  const all = useMemo(() => paragraphs(segments), [segments]);
  const finding = useFinding(all);
  const player = usePlayer(transcript.duration_seconds || (segments.at(-1)?.end ?? 0));
  const levels = useWaveform(transcript);
  const wide = useMediaQuery("(min-width: 75em)", true, { getInitialValueInEffect: false });
  const view: View = asked ?? (wide ? "analysis" : "text");
  const readable = wide || view === "text";

  const [compared, setCompared] = useState<number | null>(null);
  // The same place may be asked for twice in a row.
  const [asking, setAsking] = useState(0);
  const cited = useMemo(() => {
    void asking;
    const index = at ? all.findIndex((one) => one.parts.some((part) => part.id === at)) : -1;
    return index < 0 ? null : index;
  }, [at, all, asking]);

  const show = (utterance: string) => {
    const start = segments.find((one) => one.utterance_id === utterance)?.start;
    if (start !== undefined) player.seek(start);
    setAsking((before) => before + 1);
    const kept = wide && asked ? { view: asked } : {};
    void navigate({ search: { ...kept, at: utterance }, replace: true, resetScroll: false });
  };

  const compare = (number: number | null) => {
    setCompared(number);
    if (!wide && number !== null) void navigate({ search: { view: "text" }, replace: true });
  };

  return (
    <>
      {transcript.audio && <PlayerBar src={transcript.audio.url} player={player} all={all} levels={levels} />}
      {!wide && (
        <Tabs views={views} view={view} onView={(next) => void navigate({ search: { view: next }, replace: true })} />
      )}
      <div className={classes.columns} data-wide={wide || undefined}>
        {compared !== null && readable && (
          <Difference {...{ transcript, player }} number={compared} onBack={() => setCompared(null)} />
        )}
        {compared === null && readable && (
          <div className={classes.reading}>
            <FindField finding={finding} />
            <ProblemNote failure={failure} />
            {pending && <RowSkeletons rows={4} height={90} />}
            {!pending && segments.length === 0 && <p>{t("library.silent")}</p>}
            <Said {...{ transcript, segments, all, finding, player, cited }} heard={transcript.audio !== null} />
          </div>
        )}
        {(wide || view !== "text") && (
          <Side
            {...{ transcript, segments, all, wide, compared }}
            onCompare={compare}
            view={view === "text" ? "analysis" : view}
            onView={(next) => void navigate({ search: { ...(at && { at }), view: next }, replace: true })}
            onShow={show}
          />
        )}
      </div>
    </>
  );
}
