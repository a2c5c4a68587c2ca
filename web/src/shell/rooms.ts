import {
  IconActivity,
  IconBooks,
  IconCoins,
  IconFileText,
  IconHome2,
  IconMessages,
  IconMicrophone,
  IconSettings,
  IconTimeline,
  type TablerIcon,
} from "@tabler/icons-react";

/** A way into the product, shown when the server says that it is there. */
export interface Door {
  to: "/live" | "/talk" | "/transcribe";
  word: "live" | "talk" | "transcribe";
  icon: TablerIcon;
}

/** A room of the product as the navigation shows it. */
export type Room =
  | Door
  | {
      to: "/" | "/turns" | "/library" | "/costs" | "/status" | "/settings";
      word: "home" | "turns" | "library" | "costs" | "status" | "settings";
      icon: TablerIcon;
    };

/** The doors this page knows, by the name the server lists them under. */
const doors: Record<string, Door> = {
  live: { to: "/live", word: "live", icon: IconMicrophone },
  talk: { to: "/talk", word: "talk", icon: IconMessages },
  transcribe: { to: "/transcribe", word: "transcribe", icon: IconFileText },
};

/** What every door leads to, by the same names. */
const halls: Record<string, Room> = {
  library: { to: "/library", word: "library", icon: IconBooks },
  turns: { to: "/turns", word: "turns", icon: IconTimeline },
  costs: { to: "/costs", word: "costs", icon: IconCoins },
};

export function doorsOf(features: readonly string[]): Door[] {
  return features.flatMap((feature) => doors[feature] ?? []);
}

export function roomsOf(features: readonly string[]): Room[] {
  return [
    { to: "/", word: "home", icon: IconHome2 },
    ...doorsOf(features),
    ...features.flatMap((feature) => halls[feature] ?? []),
    { to: "/status", word: "status", icon: IconActivity },
    { to: "/settings", word: "settings", icon: IconSettings },
  ];
}
