import { useTranslation } from "react-i18next";

/** 1:04:09, or 4:09 under an hour. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const STEPS: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function relative(language: string, when: string, now: number = Date.now()): string {
  const seconds = (Date.parse(when) - now) / 1000;
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? (["second", 1] as const);
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

/** The page's language as the reader's browser knows it, with the country whose dates and numbers they are used to. */
export function localeOf(language: string, known: readonly string[] = navigator.languages): string {
  return known.find((one) => one === language || one.startsWith(`${language}-`)) ?? language;
}

const DAY_MS = 86_400_000;

/** As short as it is clear: today or yesterday and the hour, the day and the hour this year, else the day. */
export function shortly(locale: string, when: string, now: Date = new Date()): string {
  const at = new Date(when);
  const time = { hour: "numeric", minute: "2-digit" } as const;
  const day = { day: "numeric", month: "short" } as const;
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((midnight(at) - midnight(now)) / DAY_MS);
  if (days === 0 || days === -1) {
    const word = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
    const hour = new Intl.DateTimeFormat(locale, time).format(at);
    return `${word.charAt(0).toLocaleUpperCase(locale)}${word.slice(1)}, ${hour}`;
  }
  const sameYear = at.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(locale, sameYear ? { ...day, ...time } : { ...day, year: "numeric" }).format(at);
}

/** Dates, numbers and names of languages in the reader's own language. */
export function useFormat() {
  const { i18n } = useTranslation();
  const language = localeOf(i18n.language);
  return {
    date: (when: string) => new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(when)),
    moment: (when: string) =>
      new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(when)),
    shortly: (when: string) => shortly(language, when),
    /** A month written as 2026-03. */
    month: (month: string) =>
      new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" }).format(
        new Date(`${month}-15T00:00Z`),
      ),
    money: (value: number, currency: string) =>
      new Intl.NumberFormat(language, {
        style: "currency",
        currency,
        currencyDisplay: "narrowSymbol",
        maximumFractionDigits: value < 1 ? 4 : 2,
      }).format(value),
    ago: (when: string) => relative(language, when),
    number: (value: number, digits = 0) =>
      new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value),
    percent: (share: number) =>
      new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share),
    bytes: (value: number) =>
      new Intl.NumberFormat(language, {
        style: "unit",
        unit: value < 1_000_000 ? "kilobyte" : "megabyte",
        maximumFractionDigits: value < 1_000_000 ? 0 : 1,
      }).format(value / (value < 1_000_000 ? 1000 : 1_000_000)),
    language: (code: string) => new Intl.DisplayNames(language, { type: "language" }).of(code) ?? code,
  };
}

/** Languages that are offered where one says what is spoken; each by its name in the reader's. */
export const spokenLanguages = [
  "es",
  "ru",
  "en",
  "pt",
  "fr",
  "de",
  "it",
  "ca",
  "uk",
  "pl",
  "nl",
  "tr",
  "ar",
  "he",
  "hi",
  "zh",
  "ja",
  "ko",
];
