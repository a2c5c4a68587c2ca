import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { spokenLanguages, useFormat } from "../../i18n/format";
import forms from "../settings/Form.module.css";
import { statusQuery } from "../status/Status";
import type { UploadChoices } from "./upload";

const AUTO = "auto";
const channelChoices = ["mix", "split"] as const;

interface ChoicesProps {
  value: UploadChoices;
  onChange: (value: UploadChoices) => void;
}

/** How the next recordings are to be heard. */
export function Choices({ value, onChange }: ChoicesProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const status = useQuery({ ...statusQuery, retry: false });
  const engines = (status.data?.engines ?? []).filter((engine) => engine.kind === "stt" && engine.works);
  const languages = spokenLanguages.map((code) => ({ value: code, label: format.language(code) }));
  return (
    <div className={forms.pair}>
      <Select
        searchable
        label={t("transcribe.language")}
        value={value.language || AUTO}
        onChange={(language) => onChange({ ...value, language: language && language !== AUTO ? language : "" })}
        data={[{ value: AUTO, label: t("transcribe.anyLanguage") }, ...languages]}
      />
      <Select
        label={t("transcribe.engine")}
        value={value.engine || AUTO}
        onChange={(engine) => onChange({ ...value, engine: engine && engine !== AUTO ? engine : "" })}
        data={[
          { value: AUTO, label: t("transcribe.bestEngine") },
          ...engines.map((engine) => ({ value: engine.name, label: engine.name })),
        ]}
      />
      <Select
        label={t("transcribe.channels")}
        value={value.channels || "mix"}
        onChange={(channels) => onChange({ ...value, channels: channels ?? "mix" })}
        data={channelChoices.map((choice) => ({ value: choice, label: t(`transcribe.${choice}`) }))}
      />
    </div>
  );
}
