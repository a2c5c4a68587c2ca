import { Button } from "@mantine/core";
import { IconMaximize, IconMinimize } from "@tabler/icons-react";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Captions, followPage } from "../../live";
import { Mark } from "../../ui/Mark";
import { usePageTitle } from "../../ui/Page";
import { sized, useWishes } from "./choices";
import classes from "./Live.module.css";
import { server } from "./room";
import { Sizes, Tool } from "./Running";
import { useFullScreen } from "./useFullScreen";
import { Words } from "./Words";

const route = getRouteApi("/captions/$id");

/** The words of somebody else's conversation as they are said, on any screen. */
export function CaptionsRoom() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { captions, view } = useCaptions(id);
  const [wishes, change] = useWishes();
  const part = useRef<HTMLElement>(null);
  const full = useFullScreen(part);
  const title = view.title || t("live.captions");
  usePageTitle(title);
  return (
    <main ref={part} className={classes.screen} style={sized(wishes.size)}>
      <header className={classes.head}>
        <div className={classes.bar}>
          <Mark size={28} />
          <h1 className={classes.screenTitle}>{title}</h1>
          {!view.failure && (
            <span className={classes.state} role="status" data-state={view.state}>
              <span className={classes.dot} data-on={view.state === "recording" || undefined} aria-hidden="true" />
              {t(`live.states.${view.state}`)}
            </span>
          )}
        </div>
        <div className={classes.tools}>
          <Sizes size={wishes.size} onChange={(size) => change({ size })} />
          <Tool label={full.on ? t("live.leaveFull") : t("live.full")} onClick={full.toggle}>
            {full.on ? <IconMinimize size={20} /> : <IconMaximize size={20} />}
          </Tool>
        </div>
      </header>
      <Words lines={view.lines}>
        {view.failure ? <NoCaptions code={view.failure} captions={captions} /> : <p>{t("live.captionsWait")}</p>}
      </Words>
    </main>
  );
}

function useCaptions(id: string) {
  const [captions] = useState(() => {
    const token = location.hash.slice(1) || null;
    return new Captions({ url: server.captions(id), token });
  });
  useEffect(() => {
    captions.open();
    const leave = followPage({ networkBack: () => captions.networkBack(), networkLost: () => captions.networkBack() });
    return () => {
      leave();
      captions.close();
    };
  }, [captions]);
  return { captions, view: useSyncExternalStore(captions.view.subscribe, captions.view.get) };
}

function NoCaptions({ code, captions }: { code: string; captions: Captions }) {
  const { t } = useTranslation();
  if (code === "CONNECTION_LOST") {
    return (
      <div role="alert">
        <p>{t("live.noCaptions.away")}</p>
        <Button onClick={() => captions.networkBack()}>{t("actions.retry")}</Button>
      </div>
    );
  }
  const signIn = code === "NOT_AUTHORIZED";
  return (
    <div role="alert">
      <p>{signIn ? t("live.noCaptions.refused") : t("live.noCaptions.over")}</p>
      {signIn && (
        <Link to="/sign-in" search={{ next: location.pathname }}>
          {t("live.noCaptions.signIn")}
        </Link>
      )}
    </div>
  );
}
