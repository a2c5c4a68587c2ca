import { Button } from "@mantine/core";
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Mark } from "../ui/Mark";
import { usePageTitle } from "../ui/Page";
import { ProblemNote } from "../ui/ProblemNote";
import classes from "./Failed.module.css";

export function Failed({ error }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  usePageTitle(t("failed.title"));
  return (
    <main className={classes.page}>
      <Mark size={56} />
      <h1>{t("failed.title")}</h1>
      <ProblemNote
        failure={error instanceof Error ? error : new Error(String(error))}
        onRetry={() => void router.invalidate()}
      />
    </main>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  usePageTitle(t("notFound.title"));
  return (
    <main className={classes.page}>
      <Mark size={56} />
      <h1>{t("notFound.title")}</h1>
      <p>{t("notFound.words")}</p>
      <Button component={Link} to="/">
        {t("notFound.home")}
      </Button>
    </main>
  );
}
