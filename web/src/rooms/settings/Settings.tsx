import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Settings.module.css";

const places = [
  { to: "/settings/me", word: "me" },
  { to: "/settings/people", word: "people" },
  { to: "/settings/spaces", word: "spaces" },
  { to: "/settings/keys", word: "keys" },
  { to: "/settings/bots", word: "bots" },
  { to: "/settings/webhooks", word: "webhooks" },
] as const;

export function Settings() {
  const { t } = useTranslation();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const tabs = useRef<HTMLElement>(null);
  // on a phone the tabs are wider than the screen
  useEffect(() => {
    const bar = tabs.current;
    const place = bar?.querySelector<HTMLElement>(`a[href="/${path.split("/").slice(1, 3).join("/")}"]`);
    if (bar && place) bar.scrollLeft = place.offsetLeft - bar.offsetLeft - (bar.clientWidth - place.clientWidth) / 2;
  }, [path]);
  return (
    <div className={classes.settings}>
      <nav ref={tabs} aria-label={t("rooms.settings")} className={classes.tabs}>
        {places.map((place) => (
          <Link key={place.to} to={place.to} className={classes.tab}>
            {t(`settings.${place.word}`)}
          </Link>
        ))}
      </nav>
      <Outlet />
    </div>
  );
}
