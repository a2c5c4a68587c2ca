import { localStorageColorSchemeManager, useMantineColorScheme } from "@mantine/core";

/** The choice of light or dark is kept where `boot.js` reads it before the first paint. */
export const colorScheme = localStorageColorSchemeManager({ key: "tertulia.theme" });

/** Light, dark or as the system; switching without the style element that the content security policy refuses. */
export const useTheme = () => useMantineColorScheme({ keepTransitions: true });

export const themes = ["auto", "light", "dark"] as const;
export type ThemeChoice = (typeof themes)[number];

export const asTheme = (value: string | null | undefined): ThemeChoice =>
  themes.find((choice) => choice === value) ?? "auto";
