const browsers: [mark: RegExp, name: string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const systems: [mark: RegExp, name: string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

const named = (table: [RegExp, string][], text: string) => table.find(([mark]) => mark.test(text))?.[1];

/** "Firefox · Linux" of a User-Agent header, as far as it says. */
export function browserName(userAgent: string | null | undefined): string | undefined {
  if (!userAgent) return undefined;
  const known = [named(browsers, userAgent), named(systems, userAgent)].filter(Boolean);
  return known.length > 0 ? known.join(" · ") : undefined;
}

export const isPhone = (userAgent: string | null | undefined) => /Mobile|Android|iPhone/.test(userAgent ?? "");
