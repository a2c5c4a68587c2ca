import { IconActivity, IconFileText, IconHome2, IconSettings, type TablerIcon } from "@tabler/icons-react";

/** A way into the product, shown when the server says that it is there. */
export interface Door {
  to: "/transcribe";
  word: "transcribe";
  icon: TablerIcon;
}

/** A room of the product as the navigation shows it. */
export type Room = Door | { to: "/" | "/status" | "/settings"; word: "home" | "status" | "settings"; icon: TablerIcon };

/** The doors this page knows, by the name the server lists them under. */
const doors: Record<string, Door> = {
  transcribe: { to: "/transcribe", word: "transcribe", icon: IconFileText },
};

export function doorsOf(features: readonly string[]): Door[] {
  return features.flatMap((feature) => doors[feature] ?? []);
}

export function roomsOf(features: readonly string[]): Room[] {
  return [
    { to: "/", word: "home", icon: IconHome2 },
    ...doorsOf(features),
    { to: "/status", word: "status", icon: IconActivity },
    { to: "/settings", word: "settings", icon: IconSettings },
  ];
}
