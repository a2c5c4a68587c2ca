import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { problemFrom } from "../../api/problem";
import type { TranscriptionText } from "../../api/types";
import { ExportMenu } from "../../listening/ExportMenu";
import { FindField } from "../../listening/FindField";
import { paragraphs } from "../../listening/paragraphs";
import { PlayerBar } from "../../listening/PlayerBar";
import { SpokenText } from "../../listening/SpokenText";
import { useFinding } from "../../listening/useFinding";
import { usePlayer } from "../../listening/usePlayer";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import forms from "../settings/Form.module.css";
import { Facts, UnderWay } from "./Recent";
import classes from "./Transcribe.module.css";
import { audioAddress, exportAddress, isUnderWay, transcriptionQuery } from "./transcriptions";

const route = getRouteApi("/inside/transcribe/$id");

/** One transcription, set to be read. */
export function Reading() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const reading = useQuery(transcriptionQuery(id));
  const item = reading.data;
  return (
    <Page
      title={item?.name ?? t("rooms.transcribe")}
      lead={item && !isUnderWay(item) && <span className={classes.facts}>{<Facts item={item} />}</span>}
      above={
        <Link to="/transcribe" className={forms.back}>
          <IconArrowLeft size={18} aria-hidden="true" />
          {t("rooms.transcribe")}
        </Link>
      }
      action={item?.status === "done" && <ExportMenu address={(format) => exportAddress(id, format)} />}
    >
      <ProblemNote failure={reading.error} onRetry={() => void reading.refetch()} />
      {reading.isPending && <RowSkeletons rows={4} />}
      {item && <Content item={item} />}
    </Page>
  );
}

function Content({ item }: { item: TranscriptionText }) {
  const { t } = useTranslation();
  return (
    <>
      {item.error && <ProblemNote failure={problemFrom(item.error.status, item.error, null)} />}
      {isUnderWay(item) && (
        <div className={classes.facts} role="status">
          <span>{t(`transcribe.states.${item.status as "queued" | "running"}`)}</span>
          <UnderWay item={item} />
        </div>
      )}
      {item.segments.length > 0 && <Heard item={item} />}
      {item.status === "done" && item.segments.length === 0 && <p>{t("transcribe.silent")}</p>}
    </>
  );
}

function Heard({ item }: { item: TranscriptionText }) {
  const player = usePlayer(item.duration_seconds ?? item.segments.at(-1)?.end ?? 0);
  const all = useMemo(() => paragraphs(item.segments), [item.segments]);
  const finding = useFinding(all);
  return (
    <>
      <FindField finding={finding} />
      {item.has_audio && <PlayerBar src={audioAddress(item.id)} player={player} all={all} />}
      <SpokenText all={all} language={item.language} finding={finding} player={player} heard={item.has_audio} />
    </>
  );
}
