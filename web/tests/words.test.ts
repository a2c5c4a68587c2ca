import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "../src/i18n/en";
import es from "../src/i18n/es";
import ru from "../src/i18n/ru";

const PLURAL = /_(zero|one|two|few|many|other)$/;

type Words = { [key: string]: string | Words };

function flat(words: Words, prefix = ""): [key: string, text: string][] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === "string" ? [[prefix + key, value] as [string, string]] : flat(value, `${prefix}${key}.`),
  );
}

const plain = (words: Words) => [...new Set(flat(words).map(([key]) => key.replace(PLURAL, "")))].sort();

function sources(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith("schema.d.ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
}

/** Keys asked for by name, and patterns of keys asked for by a part that varies: t(`roles.${role}`). */
function asked(code: string) {
  const names = new Set<string>();
  const patterns: RegExp[] = [];
  for (const match of code.matchAll(/\bt\(\s*(?:[^"'`()]*\?\s*)?"([\w.]+)"(?:\s*:\s*"([\w.]+)")?/g)) {
    for (const name of match.slice(1)) if (name) names.add(name);
  }
  for (const match of code.matchAll(/\bsaid\(\s*"([\w.]+)"/g)) patterns.push(new RegExp(`^${match[1]}\\.\\w+$`));
  for (const match of code.matchAll(/\bt\(\s*`([^`]+)`/g)) {
    const pattern = (match[1] ?? "").replace(/[.]/g, "\\.").replace(/\$\{[^}]*(?:\([^)]*\)[^}]*)?\}/g, "[\\w]+");
    patterns.push(new RegExp(`^${pattern}$`));
  }
  return { names, patterns };
}

const code = sources(join(import.meta.dirname, "../src"));

describe("words", () => {
  it.each([
    ["es", es],
    ["ru", ru],
  ])("%s has the keys of English, no more and no less", (_, words) => {
    expect(plain(words)).toEqual(plain(en));
  });

  it.each([
    ["en", en],
    ["es", es],
    ["ru", ru],
  ])("%s has every plural form its language asks for, and no empty text", (language, words: Words) => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const all = new Map(flat(words));
    const counted = [...all.keys()].filter((key) => PLURAL.test(key)).map((key) => key.replace(PLURAL, ""));
    expect(counted.length).toBeGreaterThan(0);
    const missing = counted.flatMap((key) =>
      forms.filter((form) => !all.has(`${key}_${form}`)).map((form) => `${key}_${form}`),
    );
    expect(missing).toEqual([]);
    expect([...all].filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  it("are filled with the same values in every language", () => {
    const slots = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
    const english = new Map(flat(en).map(([key, text]) => [key.replace(PLURAL, ""), slots(text)]));
    const wrong = [es, ru].flatMap((words) =>
      flat(words).filter(([key, text]) => String(slots(text)) !== String(english.get(key.replace(PLURAL, "")))),
    );
    expect(wrong).toEqual([]);
  });

  it("are all there for what the page asks, and all asked for", () => {
    const { names, patterns } = asked(code);
    const known = plain(en);
    expect(names.size).toBeGreaterThan(100);
    expect([...names].filter((name) => !known.includes(name))).toEqual([]);
    expect(patterns.filter((pattern) => !known.some((key) => pattern.test(key)))).toEqual([]);
    expect(known.filter((key) => !names.has(key) && !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
  });

  it("shout at nobody", () => {
    expect([en, es, ru].flatMap((words) => flat(words)).filter(([, text]) => /[!¡]/.test(text))).toEqual([]);
  });
});
