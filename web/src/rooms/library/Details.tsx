import { Button, Modal, Select, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { spokenLanguages, useFormat } from "../../i18n/format";
import dialogs from "../../ui/Dialog.module.css";
import { ProblemNote } from "../../ui/ProblemNote";
import { written } from "../../ui/written";
import { type Transcript, useUpdateTranscript } from "./hall";

interface DetailsProps {
  transcript: Transcript;
  onClose: () => void;
}

const UNKNOWN = "unknown";

/** Title, language and tags. */
export function Details({ transcript, onClose }: DetailsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const update = useUpdateTranscript(transcript.id);
  const [tags, setTags] = useState(transcript.tags);
  const [language, setLanguage] = useState(transcript.language ?? UNKNOWN);
  const codes = [...new Set([transcript.language ?? UNKNOWN, UNKNOWN, ...spokenLanguages])];
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("library.details.title")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form
        className={dialogs.stack}
        onSubmit={(event) => {
          const field = written(event);
          const change = { title: field("title"), tags, language: language === UNKNOWN ? "" : language };
          update.mutate(change, { onSuccess: onClose });
        }}
      >
        <TextInput
          name="title"
          label={t("library.details.name")}
          defaultValue={transcript.title}
          maxLength={300}
          data-autofocus
        />
        <TagsInput
          label={t("library.details.tags")}
          placeholder={t("library.details.tagsHint")}
          value={tags}
          maxTags={50}
          onChange={setTags}
        />
        <Select
          searchable
          label={t("library.details.language")}
          value={language}
          onChange={(code) => setLanguage(code ?? UNKNOWN)}
          data={codes.map((code) => ({
            value: code,
            label: code === UNKNOWN ? t("library.details.unknown") : format.language(code),
          }))}
        />
        <ProblemNote failure={update.error} />
        <div className={dialogs.buttons}>
          <Button variant="default" onClick={onClose}>
            {t("actions.cancel")}
          </Button>
          <Button type="submit" loading={update.isPending}>
            {t("actions.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
