import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Live.module.css";
import { conversation, useConversation } from "./room";

const ID = "live-away";

/** Elsewhere on the page nobody should forget that the microphone is open; and a recording that is only here needs the tab. */
export function useAwayNote(): void {
  const navigate = useNavigate();
  useEffect(() => {
    notifications.hide(ID);
    return () => {
      if (conversation.view.get().stage !== "running") return;
      // Notices stand outside the router, so a link in one would load the page anew.
      const message = <AwayNote onBack={() => void navigate({ to: "/live" })} />;
      notifications.show({ id: ID, autoClose: false, withCloseButton: false, withBorder: true, message });
    };
  }, [navigate]);
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      const { stage, recording } = conversation.view.get();
      if (stage === "running" && recording) event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, []);
}

function AwayNote({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation();
  const { stage, paused } = useConversation();
  const over = stage !== "running";
  useEffect(() => {
    if (over) notifications.hide(ID);
  }, [over]);
  return (
    <div className={classes.away}>
      <span className={classes.state}>
        <span className={classes.dot} data-on={!paused || undefined} aria-hidden="true" />
        {paused ? t("live.states.paused") : t("live.stillListening")}
      </span>
      <Button size="compact-sm" variant="subtle" onClick={onBack}>
        {t("live.back")}
      </Button>
      <Button size="compact-sm" variant="subtle" onClick={() => void conversation.stop()}>
        {t("live.stop")}
      </Button>
    </div>
  );
}
