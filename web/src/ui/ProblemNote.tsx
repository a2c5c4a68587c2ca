import { Button, CopyButton } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Problem } from "../api/problem";
import classes from "./ProblemNote.module.css";

const told = [
  "email_taken",
  "gone",
  "invitation_for_another",
  "last_owner",
  "link_dead",
  "missing_scope",
  "single_sign_on_failed",
  "single_sign_on_unknown",
  "weak_password",
  "wrong_credentials",
  "wrong_password",
  "conflict",
  "forbidden",
  "internal_error",
  "invalid_request",
  "malformed_request",
  "not_found",
  "not_signed_in",
  "payload_too_large",
  "rate_limited",
  "storage_full",
  "unavailable",
  "unreachable",
  "unsupported_media",
] as const;

type Told = (typeof told)[number];

/** What a code nobody has words for comes to, by its status. */
const byStatus: Record<number, Told> = {
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

interface ProblemNoteProps {
  failure: Error | null | undefined;
  onRetry?: () => void;
}

/** A failure in a person's words, with the code and the correlation id to pass on. */
export function ProblemNote({ failure, onRetry }: ProblemNoteProps) {
  const { t } = useTranslation();
  if (!failure) return null;
  const problem = failure instanceof Problem ? failure : new Problem(0, "page_error", failure.message, null);
  const known = told.find((code) => code === problem.code) ?? byStatus[problem.status];
  const reference = [problem.code, problem.correlationId].filter(Boolean).join(" · ");
  return (
    <div role="alert" className={classes.note}>
      <IconAlertTriangle size={20} aria-hidden="true" className={classes.icon} />
      <div className={classes.words}>
        <p className={classes.headline}>{known ? t(`problems.${known}`) : t("problems.other")}</p>
        {problem.detail && <p className={classes.detail}>{problem.detail}</p>}
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
