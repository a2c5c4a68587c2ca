import { Button, CopyButton } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Problem } from "../api/problem";
import { useSaid } from "../i18n/said";
import classes from "./ProblemNote.module.css";

/** What a code nobody has words for comes to, by its status. */
const byStatus: Record<number, string> = {
  400: "malformed_request",
  401: "not_signed_in",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  410: "gone",
  413: "payload_too_large",
  415: "unsupported_media",
  422: "invalid_request",
  429: "rate_limited",
  500: "internal_error",
  503: "unavailable",
  507: "storage_full",
};

/** Codes that say little by themselves: what happened stands in the server's own words. */
const general = new Set([
  ...Object.values(byStatus).filter((code) => code !== "storage_full" && code !== "not_signed_in"),
  "budget_exceeded",
  "engine_error",
  "llm_error",
  "import_unreadable",
  "script_invalid",
  "weak_password",
]);

interface ProblemNoteProps {
  failure: Error | null | undefined;
  onRetry?: () => void;
}

/** A failure in a person's words, with the code and the correlation id to pass on. */
export function ProblemNote({ failure, onRetry }: ProblemNoteProps) {
  const { t } = useTranslation();
  const said = useSaid();
  if (!failure) return null;
  const problem = failure instanceof Problem ? failure : new Problem(0, "page_error", failure.message, null);
  const other = said("problems", byStatus[problem.status], t("problems.other"));
  const reference = [problem.code, problem.correlationId].filter(Boolean).join(" · ");
  return (
    <div role="alert" className={classes.note}>
      <IconAlertTriangle size={20} aria-hidden="true" className={classes.icon} />
      <div className={classes.words}>
        <p className={classes.headline}>{said("problems", problem.code, other)}</p>
        <OwnWords problem={problem} />
        <div className={classes.foot}>
          <code className={classes.reference}>{reference}</code>
          <CopyButton value={reference}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="subtle" color="bad" onClick={copy}>
                {copied ? t("copy.done") : t("copy.reference")}
              </Button>
            )}
          </CopyButton>
          {onRetry && (
            <Button size="compact-xs" variant="subtle" color="bad" onClick={onRetry}>
              {t("actions.retry")}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

/** The server speaks English: to readers of other languages its words are an addition, open where they say most. */
function OwnWords({ problem }: { problem: Problem }) {
  const { t, i18n } = useTranslation();
  if (!problem.detail) return null;
  if (i18n.language === "en") return <p className={classes.detail}>{problem.detail}</p>;
  const known = i18n.exists(`problems.${problem.code}`);
  return (
    <details className={classes.own} open={!known || general.has(problem.code)}>
      <summary>{t("problems.serverSays")}</summary>
      <p className={classes.detail} lang="en">
        {problem.detail}
      </p>
    </details>
  );
}
