import { Button } from "@mantine/core";
import { IconMicrophoneOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { MicrophoneTrouble } from "../../live";
import { Note } from "./Note";

/** What keeps the microphone from being heard, and what helps. */
export function Trouble({ trouble }: { trouble: MicrophoneTrouble | null }) {
  const { t } = useTranslation();
  if (!trouble) return null;
  const elsewhere = trouble === "insecure" || trouble === "unfit";
  return (
    <Note
      tone="warn"
      assertive
      icon={<IconMicrophoneOff size={20} aria-hidden="true" />}
      title={t(`live.trouble.${trouble}.title`)}
      action={
        elsewhere && (
          <Button component={Link} to="/transcribe" size="compact-sm" variant="default">
            {t("live.upload")}
          </Button>
        )
      }
    >
      {t(`live.trouble.${trouble}.words`)}
    </Note>
  );
}
