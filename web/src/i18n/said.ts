import { useTranslation } from "react-i18next";

/** What the server names by a code, in groups of words. */
export type Group =
  | "problems"
  | "scopes"
  | "eventTypes"
  | "engines.reasons"
  | "engines.advice"
  | "checks.names"
  | "checks.said"
  | "checks.fixes";

/** Says what the server names by a code in the reader's language, or in the server's own words where there are none. */
export function useSaid() {
  const { t, i18n } = useTranslation();
  // which keys there are is not known before the server speaks
  const say = t as (key: string, values: Record<string, string>) => string;
  return (group: Group, code: string | null | undefined, own: string, values: Record<string, string> = {}): string => {
    // codes of scopes and events hold the marks that part one key from another
    const key = `${group}.${(code ?? "").replace(/\W/g, "_")}`;
    return code && i18n.exists(key) ? say(key, values) : own;
  };
}
