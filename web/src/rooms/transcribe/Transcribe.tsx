import { Button, Progress } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import { token } from "../../theme/theme";
import { List, Row } from "../../ui/List";
import { Page, Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { Choices } from "./Choices";
import { DropZone } from "./DropZone";
import { RecentTranscriptions } from "./Recent";
import classes from "./Transcribe.module.css";
import type { UploadChoices } from "./upload";
import { type Upload, useUploads } from "./useUploads";

export function Transcribe() {
  const { t } = useTranslation();
  const [choices, setChoices] = useState<UploadChoices>({ language: "", engine: "", channels: "mix" });
  const { uploads, add, drop, retry } = useUploads();
  return (
    <Page title={t("rooms.transcribe")} lead={t("transcribe.lead")}>
      <Choices value={choices} onChange={setChoices} />
      <DropZone onFiles={(files) => add(files, choices)} />
      {uploads.length > 0 && (
        <Section title={t("transcribe.sending")}>
          <List label={t("transcribe.sending")}>
            {uploads.map((upload) => (
              <UploadRow
                key={upload.id}
                upload={upload}
                onDrop={() => drop(upload.id)}
                onRetry={() => retry(upload.id)}
              />
            ))}
          </List>
        </Section>
      )}
      <RecentTranscriptions searchable />
    </Page>
  );
}

interface UploadRowProps {
  upload: Upload;
  onDrop: () => void;
  onRetry: () => void;
}

function UploadRow({ upload, onDrop, onRetry }: UploadRowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Row
      name={upload.file.name}
      facts={
        upload.state === "failed" ? (
          <ProblemNote failure={upload.failure} onRetry={onRetry} />
        ) : (
          <>
            <span>{format.bytes(upload.file.size)}</span>
            <span>{upload.state === "waiting" ? t("transcribe.waiting") : format.percent(upload.share)}</span>
            <Progress
              className={classes.bar}
              size="sm"
              color={token("accent")}
              value={upload.share * 100}
              aria-label={t("transcribe.sendingOne", { name: upload.file.name })}
            />
          </>
        )
      }
      side={
        <Button size="sm" variant="subtle" color="quiet" onClick={onDrop}>
          {upload.state === "failed" ? t("actions.remove") : t("actions.cancel")}
        </Button>
      }
    />
  );
}
