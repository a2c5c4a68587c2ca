import { Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type Room, roomsOf } from "./rooms";
import classes from "./Shell.module.css";

const BAR_PLACES = 5;
/** What a thumb is there for most often. */
const NEAR: readonly string[] = ["/", "/live", "/talk", "/library"];

const exactly = (room: Room) => ({ exact: room.to === "/" });

export function SideNav({ features }: { features: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <nav className={classes.nav} aria-label={t("shell.navigation")}>
      {roomsOf(features).map((room) => (
        <Link key={room.to} to={room.to} activeOptions={exactly(room)} className={classes.link}>
          <room.icon size={20} stroke={1.75} aria-hidden="true" />
          {t(`rooms.${room.word}`)}
        </Link>
      ))}
    </nav>
  );
}

/** The same rooms within reach of a thumb; what does not fit is behind the last place. */
export function BottomBar({ features }: { features: readonly string[] }) {
  const { t } = useTranslation();
  const rooms = roomsOf(features);
  const shown = rooms.length > BAR_PLACES ? rooms.filter((room) => NEAR.includes(room.to)) : rooms;
  const rest = rooms.filter((room) => !shown.includes(room));
  return (
    <nav className={classes.bar} aria-label={t("shell.navigation")}>
      {shown.map((room) => (
        <Link key={room.to} to={room.to} activeOptions={exactly(room)} className={classes.barLink}>
          <room.icon size={22} stroke={1.75} aria-hidden="true" />
          <span>{t(`rooms.${room.word}`)}</span>
        </Link>
      ))}
      {rest.length > 0 && (
        <Menu position="top-end">
          <Menu.Target>
            <button type="button" className={classes.barLink}>
              <IconDots size={22} stroke={1.75} aria-hidden="true" />
              <span>{t("shell.more")}</span>
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {rest.map((room) => (
              <Menu.Item key={room.to} component={Link} to={room.to} leftSection={<room.icon size={18} />}>
                {t(`rooms.${room.word}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </nav>
  );
}
