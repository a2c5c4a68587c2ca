import { Button, Menu } from "@mantine/core";
import { IconArrowLeft, IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemFrom } from "../../api/problem";
import type { TranscriptionText } from "../../api/types";
import { Tools } from "../../ui/List";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { SearchField } from "../../ui/SearchField";
import { RowSkeletons } from "../../ui/Skeletons";
import forms from "../settings/Form.module.css";
import { PlayerBar } from "./PlayerBar";
import { Facts, UnderWay } from "./Recent";
import { Text } from "./Text";
import classes from "./Transcribe.module.css";
import { exportAddress, formats, isUnderWay, transcriptionQuery } from "./transcriptions";
import { usePlayer } from "./usePlayer";

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
      action={item?.status === "done" && <Download id={id} />}
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
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const player = usePlayer(item.duration_seconds ?? item.segments.at(-1)?.end ?? 0);
  return (
    <>
      <Tools>
        <SearchField label={t("transcribe.searchText")} value={search} onChange={setSearch} />
      </Tools>
      {item.has_audio && <PlayerBar id={item.id} player={player} />}
      <Text segments={item.segments} language={item.language} search={search} player={player} heard={item.has_audio} />
    </>
  );
}

function Download({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconDownload size={18} aria-hidden="true" />}>{t("transcribe.download")}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {formats.map((format) => (
          <Menu.Item key={format} component="a" href={exportAddress(id, format)} download>
            {t(`transcribe.formats.${format}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
