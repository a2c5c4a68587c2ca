import { Button, TextInput } from "@mantine/core";
import { IconBooks, IconCircleCheck, IconCloudUpload, IconMicrophone } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../../i18n/format";
import { ExportMenu } from "../../listening/ExportMenu";
import { ProblemNote } from "../../ui/ProblemNote";
import { exportAddress, transcriptQuery, useUpdateTranscript } from "../library/hall";
import { sized } from "./choices";
import type { ConversationView } from "./conversation";
import { CopyWords } from "./CopyWords";
import classes from "./Live.module.css";
import { beginning } from "./naming";
import { Note } from "./Note";
import { conversation, useSessionView } from "./room";
import { SendTape } from "./SendTape";
import { Words } from "./Words";

const told = ["duration_limit", "chunk_limit", "idle", "engine_failed", "deleted"] as const;

/** The conversation once it is over: kept already, to be named, copied and taken along. */
export function Done({ view, size }: { view: ConversationView; size: number }) {
  const { t } = useTranslation();
  const session = useSessionView(view.session);
  const queryClient = useQueryClient();
  const id = session?.transcriptId ?? null;
  useEffect(() => void queryClient.invalidateQueries({ queryKey: ["hall"] }), [queryClient]);
  const words = (session?.lines ?? []).filter((line) => line.final);
  return (
    <section className={classes.stage} data-done aria-label={t("live.conversation")} style={sized(size)}>
      <div className={classes.doneHead}>
        {id ? <Kept id={id} beginning={beginning(words)} /> : <p className={classes.call}>{t("live.recordedOnly")}</p>}
        {session && <Why session={session} />}
        {view.tape && <SendTape file={view.tape} part={id !== null} />}
      </div>
      {words.length > 0 && <Words lines={words}>{null}</Words>}
      {id && words.length === 0 && !view.tape && <p className={classes.nothing}>{t("live.nothingSaid")}</p>}
      <div className={classes.dock} data-done>
        <Button
          size="md"
          leftSection={<IconMicrophone size={18} aria-hidden="true" />}
          onClick={() => conversation.again()}
        >
          {t("live.new")}
        </Button>
        {id && words.length > 0 && (
          <>
            <ExportMenu quiet address={(format) => exportAddress(id, format)} />
            <CopyWords lines={words} />
            <Link to="/library/$id" params={{ id }} className={classes.openLink}>
              <IconBooks size={18} aria-hidden="true" />
              {t("live.open")}
            </Link>
          </>
        )}
      </div>
    </section>
  );
}

/** Its name, which can be changed on the spot. */
function Kept({ id, beginning }: { id: string; beginning: string }) {
  const { t } = useTranslation();
  const transcript = useQuery(transcriptQuery(id));
  const update = useUpdateTranscript(id);
  const [typed, setTyped] = useState<string | null>(null);
  const title = transcript.data?.title ?? "";
  const shown = typed ?? title;
  const { mutate } = update;
  const nameless = transcript.data?.title === "" && typed === null;
  useEffect(() => {
    if (nameless && beginning !== "") mutate({ title: beginning });
  }, [nameless, beginning, mutate]);
  const save = () => {
    const wanted = shown.trim();
    if (wanted !== title && wanted !== "") update.mutate({ title: wanted });
  };
  return (
    <>
      <p className={classes.kept} role="status">
        <IconCircleCheck size={20} aria-hidden="true" />
        {t("live.kept", { time: duration(transcript.data?.duration_seconds ?? 0) })}
      </p>
      <TextInput
        size="md"
        className={classes.name}
        label={t("live.name")}
        placeholder={t("live.namePlaceholder")}
        value={shown}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
        }}
      />
      <ProblemNote failure={update.error} onRetry={save} />
    </>
  );
}

/** Why it ended, where the person did not end it. */
function Why({ session }: { session: NonNullable<ReturnType<typeof useSessionView>> }) {
  const { t } = useTranslation();
  const icon = <IconCloudUpload size={20} aria-hidden="true" />;
  if (session.failure?.code === "SUPERSEDED")
    return <Note tone="warn" icon={icon} title={t("live.ended.superseded")} />;
  if (session.failure) return <Note tone="warn" icon={icon} title={t("live.ended.broken")} />;
  const reason = told.find((one) => one === session.completed?.reason);
  if (reason) return <Note tone="warn" icon={icon} title={t(`live.ended.${reason}`)} />;
  return null;
}
