import { Button, Collapse, Select, TextInput } from "@mantine/core";
import { IconAdjustmentsHorizontal } from "@tabler/icons-react";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { duration, spokenLanguages, useFormat } from "../../i18n/format";
import { waysHere } from "../../live";
import { limits, useMicrophones, type Wishes } from "./choices";
import classes from "./Live.module.css";
import { server } from "./room";

const AUTO = "auto";

const enginesQuery = queryOptions({
  queryKey: ["live", "engines"],
  queryFn: () => server.engines(),
  staleTime: 60_000,
});

interface ChoicesProps {
  value: Wishes;
  onChange: (part: Partial<Wishes>) => void;
}

/** How the next conversation is to be heard: what most people choose in sight, the rest behind a button. */
export function Choices({ value, onChange }: ChoicesProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [more, setMore] = useState(false);
  const microphones = useMicrophones(null);
  const languages = spokenLanguages.map((code) => ({ value: code, label: format.language(code) }));
  const known = microphones.some((one) => one.id === value.microphone);
  return (
    <div className={classes.choices}>
      <div className={classes.pair}>
        <Select
          searchable
          label={t("live.language")}
          value={value.language || AUTO}
          onChange={(language) => onChange({ language: language && language !== AUTO ? language : "" })}
          data={[{ value: AUTO, label: t("live.anyLanguage") }, ...languages]}
        />
        <Select
          label={t("live.microphone")}
          value={known ? value.microphone : AUTO}
          onChange={(microphone) => onChange({ microphone: microphone && microphone !== AUTO ? microphone : "" })}
          data={[
            { value: AUTO, label: t("live.usualMicrophone") },
            ...microphones.filter((one) => one.id !== "default").map((one) => ({ value: one.id, label: one.label })),
          ]}
        />
        <Button
          variant="subtle"
          color="quiet"
          className={classes.moreButton}
          leftSection={<IconAdjustmentsHorizontal size={18} aria-hidden="true" />}
          aria-expanded={more}
          onClick={() => setMore(!more)}
        >
          {t("live.more")}
        </Button>
      </div>
      <Collapse expanded={more}>{more && <Rest value={value} onChange={onChange} />}</Collapse>
    </div>
  );
}

function Rest({ value, onChange }: ChoicesProps) {
  const { t } = useTranslation();
  const engines = useQuery({ ...enginesQuery, retry: false });
  const here = waysHere().filter((way): way is "pcm" | "opus" => way !== "webm");
  return (
    <div className={classes.pair}>
      <Select
        label={t("live.engine")}
        value={value.engine || AUTO}
        onChange={(engine) => onChange({ engine: engine && engine !== AUTO ? engine : "" })}
        data={[
          { value: AUTO, label: t("live.bestEngine") },
          ...(engines.data ?? []).map((name) => ({ value: name, label: name })),
        ]}
      />
      <Select
        label={t("live.line")}
        value={here.find((way) => way === value.way) ?? "pcm"}
        onChange={(way) => onChange({ way: here.find((one) => one === way) ?? "pcm" })}
        data={here.map((way) => ({ value: way, label: t(`live.ways.${way}`) }))}
      />
      <Select
        label={t("live.limit")}
        value={String(value.limit)}
        onChange={(limit) => onChange({ limit: Number(limit ?? value.limit) })}
        data={limits.map((limit) => ({ value: String(limit), label: duration(limit) }))}
      />
      <TextInput
        className={classes.hotWords}
        label={t("live.hotWords")}
        description={t("live.hotWordsHint")}
        value={value.hotWords}
        onChange={(event) => onChange({ hotWords: event.currentTarget.value })}
      />
    </div>
  );
}
