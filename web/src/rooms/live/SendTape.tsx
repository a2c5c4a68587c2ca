import { Button, Progress } from "@mantine/core";
import { IconCloudUpload, IconDownload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { token } from "../../theme/theme";
import { ProblemNote } from "../../ui/ProblemNote";
import { transcriptionsQuery } from "../transcribe/transcriptions";
import { upload } from "../transcribe/upload";
import classes from "./Live.module.css";
import { Note } from "./Note";

interface SendTapeProps {
  file: File;
  /** Whether it is only the part that did not become text while it was said. */
  part: boolean;
}

/** Sends the recording through the ordinary way in; should that fail too, the person can keep the file. */
export function SendTape({ file, part }: SendTapeProps) {
  const { t } = useTranslation();
  const { share, failure, sent, send } = useSending(file);
  const address = useMemo(() => URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(address), [address]);
  if (sent) {
    const look = (
      <Button component={Link} to="/transcribe" size="compact-sm" variant="default">
        {t("live.tape.look")}
      </Button>
    );
    return (
      <Note
        tone="good"
        icon={<IconCloudUpload size={20} aria-hidden="true" />}
        title={t("live.tape.sent")}
        action={look}
      />
    );
  }
  const keep = (
    <Button
      component="a"
      href={address}
      download={file.name}
      size="compact-sm"
      variant="default"
      leftSection={<IconDownload size={16} aria-hidden="true" />}
    >
      {t("live.tape.keep")}
    </Button>
  );
  return (
    <>
      <Note
        tone="warn"
        icon={<IconCloudUpload size={20} aria-hidden="true" />}
        title={part ? t("live.tape.part") : t("live.tape.whole")}
        action={failure && keep}
      >
        {!failure && (
          <Progress
            className={classes.progress}
            size="sm"
            color={token("accent")}
            value={share * 100}
            aria-label={t("live.tape.sending")}
          />
        )}
      </Note>
      <ProblemNote failure={failure} onRetry={send} />
    </>
  );
}

function useSending(file: File) {
  const queryClient = useQueryClient();
  const [round, setRound] = useState(0);
  const [share, setShare] = useState(0);
  const [failure, setFailure] = useState<Error | null>(null);
  const [sent, setSent] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    setFailure(null);
    upload(file, { language: "", engine: "", channels: "mix" }, setShare, abort.signal).then(
      () => {
        if (abort.signal.aborted) return;
        setSent(true);
        void queryClient.invalidateQueries({ queryKey: transcriptionsQuery.queryKey });
      },
      (reason: Error) => setFailure(reason),
    );
    return () => abort.abort();
  }, [file, round, queryClient]);
  return { share, failure, sent, send: () => setRound(round + 1) };
}
