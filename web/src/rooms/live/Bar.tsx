import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration, useFormat } from "../../i18n/format";
import type { LiveView } from "../../live";
import classes from "./Live.module.css";
import type { ConversationView } from "./conversation";

const LAST_SECONDS = 60;

interface BarProps {
  view: ConversationView;
  session: LiveView | null;
}

/** In words: what is going on, for how long, and how far the text is behind. */
export function Bar({ view, session }: BarProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.bar}>
      <State view={view} session={session} />
      {view.recording ? (
        <span className={classes.clock}>{duration(view.recorded_ms / 1000)}</span>
      ) : (
        session && <Clock heard_seconds={session.heard_ms / 1000} limit_seconds={session.duration_limit} />
      )}
      {session && session.latency_ms !== null && !view.recording && (
        <Latency latency_ms={session.latency_ms} slow={session.slow} />
      )}
      {session?.lost && <span className={classes.lost}>{t("live.lost")}</span>}
    </div>
  );
}

/** The state's name among the page's words. */
export function wordFor(view: ConversationView, session: LiveView | null) {
  if (view.recording) return view.paused ? ("paused" as const) : ("taping" as const);
  if (!session) return "connecting" as const;
  if (session.state === "error") return "error" as const;
  if (view.paused && (session.state === "recording" || session.state === "connected")) return "paused" as const;
  return session.state;
}

function State({ view, session }: BarProps) {
  const { t } = useTranslation();
  const word = wordFor(view, session);
  const hearing = word === "recording" || word === "taping" || word === "connected";
  const { tries } = session ?? {};
  return (
    <span className={classes.state} role="status" data-state={word}>
      <span className={classes.dot} data-on={hearing || undefined} aria-hidden="true" />
      <span>
        {t(`live.states.${word}`)}
        {word === "reconnecting" && tries && tries.now > 0 && ` · ${t("live.try", tries)}`}
      </span>
    </span>
  );
}

function Clock({ heard_seconds, limit_seconds }: { heard_seconds: number; limit_seconds: number }) {
  const { t } = useTranslation();
  const left = limit_seconds - heard_seconds;
  const last = left <= LAST_SECONDS;
  return (
    <span className={classes.clock} data-last={last || undefined}>
      <span className="visually-hidden">{t("live.time")}</span>
      {duration(heard_seconds)}
      <span className={classes.limit}>
        {" / "}
        {duration(limit_seconds)}
      </span>
      {last && <span role="status">{` · ${t("live.left", { time: duration(left) })}`}</span>}
    </span>
  );
}

const CALM_MS = 500;

/** Changes at most twice a second, so that it can be read. */
function Latency({ latency_ms, slow }: { latency_ms: number; slow: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = useCalm(latency_ms);
  return (
    <span className={classes.latency} data-slow={slow || undefined} title={t("live.latency")}>
      <span className="visually-hidden">{t("live.latency")}: </span>
      {format.number(shown)} ms
    </span>
  );
}

function useCalm(value: number): number {
  const [shown, setShown] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setShown(value), CALM_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return shown;
}
