import { Link, Outlet } from "@tanstack/react-router";
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
  return (
    <div className={classes.settings}>
      <nav aria-label={t("rooms.settings")} className={classes.tabs}>
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
