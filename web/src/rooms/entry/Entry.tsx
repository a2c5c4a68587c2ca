import { SegmentedControl } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { asLanguage, languageNames, languages, speak } from "../../i18n";
import { Mark, Table } from "../../ui/Mark";
import { usePageTitle } from "../../ui/Page";
import classes from "./Entry.module.css";

interface EntryProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}

/** The frame of the pages before the shell: the table on one side, the form on the other. */
export function Entry({ title, lead, children }: EntryProps) {
  const { t, i18n } = useTranslation();
  usePageTitle(title);
  return (
    <div className={classes.entry}>
      <header className={classes.table}>
        <div className={classes.brand}>
          <Mark size={40} />
          <span className={classes.word}>Tertulia</span>
        </div>
        <div className={classes.picture} aria-hidden="true">
          <Table />
        </div>
        <p className={classes.motto}>{t("entry.motto")}</p>
      </header>
      <main className={classes.side}>
        <div className={classes.form}>
          <h1 className={classes.title}>{title}</h1>
          {lead && <p className={classes.lead}>{lead}</p>}
          {children}
        </div>
        <SegmentedControl
          aria-label={t("me.language")}
          size="xs"
          value={i18n.language}
          onChange={(value) => void speak(asLanguage(value) ?? "en")}
          data={languages.map((language) => ({ value: language, label: languageNames[language] }))}
        />
      </main>
    </div>
  );
}
