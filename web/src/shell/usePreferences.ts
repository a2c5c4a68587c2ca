import { useEffect } from "react";
import type { Me } from "../api/types";
import { asLanguage, speak } from "../i18n";
import { asTheme, useTheme } from "../theme/colorScheme";

/** What the person chose on another machine holds here too. */
export function usePreferences(user: Me["user"]): void {
  const { setColorScheme } = useTheme();
  const language = asLanguage(user.language);
  useEffect(() => {
    if (language) void speak(language);
  }, [language]);
  useEffect(() => {
    if (user.theme) setColorScheme(asTheme(user.theme));
    // The setter is new at every render; only the choice matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [user.theme]);
}
