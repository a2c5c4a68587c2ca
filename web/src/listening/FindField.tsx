import { ActionIcon } from "@mantine/core";
import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { SearchField } from "../ui/SearchField";
import classes from "./Listening.module.css";
import type { Finding } from "./useFinding";

/** The search inside one text, with the way from one place to the next. */
export function FindField({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  const { words, look, found, place, step } = finding;
  const looking = words.trim() !== "";
  return (
    <div className={classes.find}>
      <div
        className={classes.findField}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
        }}
      >
        <SearchField label={t("listen.find")} value={words} onChange={look} />
      </div>
      {looking && (
        <>
          <span role="status" className={classes.found}>
            {t("listen.found", { count: found.length })}
            {found.length > 1 && ` · ${place + 1}`}
          </span>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t("listen.before")}
            disabled={found.length < 2}
            onClick={() => step(-1)}
          >
            <IconChevronUp size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t("listen.after")}
            disabled={found.length < 2}
            onClick={() => step(1)}
          >
            <IconChevronDown size={18} />
          </ActionIcon>
        </>
      )}
    </div>
  );
}
