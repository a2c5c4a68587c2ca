import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import type en from "./en";

export const languages = ["es", "ru", "en"] as const;
export type Language = (typeof languages)[number];

export const languageNames: Record<Language, string> = { es: "Español", ru: "Русский", en: "English" };

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    returnNull: false;
  }
}

const load: Record<Language, () => Promise<{ default: object }>> = {
  es: () => import("./es"),
  ru: () => import("./ru"),
  en: () => import("./en"),
};

const REMEMBERED = "tertulia.language";

export function asLanguage(value: string | null | undefined): Language | undefined {
  const short = value?.slice(0, 2).toLowerCase();
  return languages.find((language) => language === short);
}

function preferred(): Language {
  const wanted = [localStorage.getItem(REMEMBERED), ...navigator.languages];
  return wanted.map(asLanguage).find((language) => language !== undefined) ?? "en";
}

export async function speak(language: Language): Promise<void> {
  if (!i18n.hasResourceBundle(language, "translation")) {
    const words = await load[language]();
    i18n.addResourceBundle(language, "translation", words.default);
  }
  localStorage.setItem(REMEMBERED, language);
  document.documentElement.lang = language;
  await i18n.changeLanguage(language);
}

export async function startWords(): Promise<void> {
  await i18n.use(initReactI18next).init({
    resources: {},
    supportedLngs: languages,
    fallbackLng: false,
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  await speak(preferred());
}

export { i18n };
