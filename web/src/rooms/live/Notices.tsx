import { Button } from "@mantine/core";
import { IconAlertTriangle, IconClockExclamation, IconCloudOff, IconEar, IconMoon } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import type { LiveView } from "../../live";
import type { ConversationView } from "./conversation";
import { watchSilence } from "./level";
import classes from "./Live.module.css";
import { Note } from "./Note";
import { conversation } from "./room";
import { Trouble } from "./Trouble";

const SIZE = { size: 20, "aria-hidden": true } as const;
const POOR = 0.25;
const READ_MS = 15_000;

interface NoticesProps {
  view: ConversationView;
  session: LiveView | null;
}

/** What one should know while speaking; mostly nothing. */
export function Notices({ view, session }: NoticesProps) {
  return (
    <div className={classes.notices}>
      <Trouble trouble={view.trouble} />
      {view.recording && <Taping view={view} />}
      {session && !view.recording && <Line session={session} />}
      {!view.paused && !view.trouble && <Silence />}
      {view.awake === false && <Sleepy />}
    </div>
  );
}

function Taping({ view }: { view: ConversationView }) {
  const { t } = useTranslation();
  return (
    <Note tone="warn" icon={<IconCloudOff {...SIZE} />} title={t(`live.recording.${view.recording ?? "away"}`)}>
      {t("live.recording.words")}
    </Note>
  );
}

/** How the connection is doing: trying, given up, or slow. */
function Line({ session }: { session: LiveView }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (session.state === "reconnecting") {
    return (
      <Note tone="warn" icon={<IconCloudOff {...SIZE} />} title={t("live.cut")}>
        {t("live.cutWords")}
      </Note>
    );
  }
  if (session.state === "error" && session.failure?.recoverable) {
    const again = (
      <Button size="compact-sm" variant="default" onClick={() => conversation.view.get().session?.retry()}>
        {t("actions.retry")}
      </Button>
    );
    return (
      <Note tone="warn" assertive icon={<IconCloudOff {...SIZE} />} title={t("live.gaveUp")} action={again}>
        {t("live.gaveUpWords")}
      </Note>
    );
  }
  if (session.slow && session.latency_ms !== null) {
    const seconds = format.number(session.latency_ms / 1000, 1);
    return (
      <Note tone="warn" icon={<IconClockExclamation {...SIZE} />} title={t("live.slow", { seconds })}>
        {t("live.slowWords")}
      </Note>
    );
  }
  if (session.quality !== null && session.quality < POOR && session.lines.length > 0) {
    return <Note tone="warn" icon={<IconAlertTriangle {...SIZE} />} title={t("live.poor")} />;
  }
  return null;
}

function Silence() {
  const { t } = useTranslation();
  const [silent, setSilent] = useState(false);
  useEffect(() => watchSilence(() => conversation.level(), setSilent), []);
  if (!silent) return null;
  return (
    <Note tone="warn" icon={<IconEar {...SIZE} />} title={t("live.silent")}>
      {t("live.silentWords")}
    </Note>
  );
}

/** Only phones put a page to sleep with the screen. */
function Sleepy() {
  const { t } = useTranslation();
  const [read, setRead] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setRead(true), READ_MS);
    return () => clearTimeout(timer);
  }, []);
  if (read || !matchMedia("(pointer: coarse)").matches) return null;
  return <Note tone="warn" icon={<IconMoon {...SIZE} />} title={t("live.sleepy")} />;
}
