import { Badge, Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemFrom } from "../../api/problem";
import { useFormat } from "../../i18n/format";
import { ProblemNote } from "../../ui/ProblemNote";
import { showFailure } from "../../ui/undo";
import { statusQuery } from "../status/Status";
import classes from "./Analysis.module.css";
import type { Transcript } from "./hall";
import { type Reading, readingsQuery, useChooseReading, useReadAgain, useRemoveReading } from "./understanding";

interface VersionsProps {
  transcript: Transcript;
  /** The one that is compared with the current text. */
  compared: number | null;
  onCompare: (number: number | null) => void;
}

/** What several engines made of one recording. */
export function Versions({ transcript, compared, onCompare }: VersionsProps) {
  const { t } = useTranslation();
  const readings = useQuery(readingsQuery(transcript.id));
  return (
    <div className={classes.versions}>
      <ProblemNote failure={readings.error} onRetry={() => void readings.refetch()} />
      {(readings.data?.items ?? []).map((reading) => (
        <Version
          key={reading.number}
          id={transcript.id}
          reading={reading}
          shown={compared === reading.number}
          onCompare={onCompare}
        />
      ))}
      {transcript.audio ? <ReadAgain id={transcript.id} /> : <p>{t("library.versions.noSound")}</p>}
    </div>
  );
}

interface VersionProps {
  id: string;
  reading: Reading;
  shown: boolean;
  onCompare: VersionsProps["onCompare"];
}

function Version({ id, reading, shown, onCompare }: VersionProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const choose = useChooseReading(id);
  const remove = useRemoveReading(id);
  const done = reading.status === "done";
  return (
    <article className={classes.version} data-shown={shown || undefined}>
      <h3 className={classes.versionHead}>
        {reading.engine ?? t("library.versions.first")}
        {reading.is_current && <Badge>{t("library.versions.current")}</Badge>}
        {!done && (
          <Badge color={reading.status === "failed" ? "bad" : "warn"}>
            {t(`library.versions.${reading.status as "pending" | "running" | "failed"}`)}
          </Badge>
        )}
      </h3>
      <p className={classes.versionFacts}>{format.moment(reading.finished_at ?? reading.created_at)}</p>
      {reading.error && <ProblemNote failure={problemFrom(reading.error.status, reading.error, null)} />}
      {!reading.is_current && (
        <div className={classes.versionButtons}>
          {done && (
            <>
              <Button size="compact-sm" variant="default" onClick={() => onCompare(shown ? null : reading.number)}>
                {shown ? t("library.versions.back") : t("library.versions.compare")}
              </Button>
              <Button
                size="compact-sm"
                variant="default"
                loading={choose.isPending}
                onClick={() =>
                  choose.mutate(reading.number, { onError: showFailure, onSuccess: () => onCompare(null) })
                }
              >
                {t("library.versions.choose")}
              </Button>
            </>
          )}
          <Button
            size="compact-sm"
            variant="subtle"
            color="quiet"
            loading={remove.isPending}
            onClick={() => remove.mutate(reading.number, { onError: showFailure, onSuccess: () => onCompare(null) })}
          >
            {t("actions.remove")}
          </Button>
        </div>
      )}
    </article>
  );
}

const BEST = "auto";

function ReadAgain({ id }: { id: string }) {
  const { t } = useTranslation();
  const status = useQuery({ ...statusQuery, retry: false });
  const again = useReadAgain(id);
  const [engine, setEngine] = useState(BEST);
  const engines = (status.data?.engines ?? []).filter((one) => one.kind === "stt" && one.works);
  return (
    <div className={classes.none}>
      <p>{t("library.versions.words")}</p>
      <Select
        label={t("transcribe.engine")}
        value={engine}
        onChange={(value) => setEngine(value ?? BEST)}
        data={[
          { value: BEST, label: t("transcribe.bestEngine") },
          ...engines.map((one) => ({ value: one.name, label: one.name })),
        ]}
      />
      <Button
        variant="default"
        loading={again.isPending}
        onClick={() => again.mutate(engine === BEST ? {} : { engine }, { onError: showFailure })}
      >
        {t("library.versions.again")}
      </Button>
    </div>
  );
}
