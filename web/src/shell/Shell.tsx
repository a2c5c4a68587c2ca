import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../api/session";
import { Mark } from "../ui/Mark";
import { BottomBar, SideNav } from "./Nav";
import classes from "./Shell.module.css";
import { SpaceSwitcher } from "./SpaceSwitcher";
import { UserMenu } from "./UserMenu";
import { usePreferences } from "./usePreferences";

export function Shell() {
  const { t } = useTranslation();
  const me = useMe();
  usePreferences(me.user);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const first = useRef(true);

  // A screen reader is told of the new room by the focus landing in it; the first page keeps the browser's own start.
  useEffect(() => {
    if (!path) return;
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);

  return (
    <div className={classes.shell}>
      <a className="skip" href="#content">
        {t("shell.skip")}
      </a>
      <aside className={classes.side}>
        <div className={classes.brand}>
          <Mark size={34} />
          <span className={classes.word}>Tertulia</span>
        </div>
        <SpaceSwitcher />
        <SideNav features={me.features} />
        <UserMenu />
      </aside>
      <header className={classes.top}>
        <Mark size={28} />
        <SpaceSwitcher />
        <UserMenu compact />
      </header>
      <main ref={main} id="content" tabIndex={-1} className={classes.main}>
        <Outlet />
      </main>
      <BottomBar features={me.features} />
    </div>
  );
}
