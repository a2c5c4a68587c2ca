import { Button } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Transcribe.module.css";

/** Where recordings are dropped or chosen. */
export function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    if (files.length > 0) onFiles(files);
  };
  return (
    // Dropping is an addition; the button inside does the same by keyboard.
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={take}
    >
      <IconUpload size={32} stroke={1.5} aria-hidden="true" className={classes.dropIcon} />
      <p className={classes.dropTitle}>{t("transcribe.drop")}</p>
      <p className={classes.dropWords}>{t("transcribe.dropWords")}</p>
      <Button onClick={() => field.current?.click()}>{t("transcribe.choose")}</Button>
      <input
        ref={field}
        type="file"
        multiple
        hidden
        accept="audio/*,video/*,.opus,.ogg,.webm,.wav,.mp3,.m4a,.flac,.gsm,.amr"
        aria-label={t("transcribe.choose")}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}
