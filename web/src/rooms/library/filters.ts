import type { paths } from "../../api/schema";

export type HallQuery = NonNullable<paths["/api/search"]["get"]["parameters"]["query"]>;
export type Kind = NonNullable<HallQuery["kind"]>[number];

export const kinds = ["meetings", "calls", "live", "voice", "chat", "files", "imports"] as const satisfies Kind[];

/** Without one, the best first. */
export const orders = ["time", "meaning"] as const;
export type Order = (typeof orders)[number];

/** What the library's address says of what is looked for. */
export interface LibrarySearch {
  q?: string;
  kind?: Kind[];
  language?: string[];
  tag?: string[];
  speaker?: string;
  person?: string;
  engine?: string;
  /** Days, as in 2026-03-01; both count. */
  since?: string;
  until?: string;
  shortest?: number;
  longest?: number;
  order?: Order;
}

const MINUTE = 60;
const DAY_MS = 86_400_000;

const text = (value: unknown) => (typeof value === "string" && value.trim() !== "" ? value : undefined);
const texts = (value: unknown) => {
  const found = (Array.isArray(value) ? value : [value]).filter((one) => text(one) !== undefined) as string[];
  return found.length > 0 ? found : undefined;
};
const day = (value: unknown) => (/^\d{4}-\d\d-\d\d$/.test(text(value) ?? "") ? (value as string) : undefined);
const minutes = (value: unknown) => (typeof value === "number" && value > 0 ? value : undefined);

/** Whatever an address holds, only what can be looked for is taken from it. */
export function librarySearch(search: Record<string, unknown>): LibrarySearch {
  const known: LibrarySearch = {};
  const kind = texts(search.kind)?.filter((one): one is Kind => (kinds as readonly string[]).includes(one));
  if (kind && kind.length > 0) known.kind = kind;
  for (const name of ["q", "speaker", "person", "engine"] as const) {
    const value = text(search[name]);
    if (value) known[name] = value;
  }
  for (const name of ["language", "tag"] as const) {
    const value = texts(search[name]);
    if (value) known[name] = value;
  }
  for (const name of ["since", "until"] as const) {
    const value = day(search[name]);
    if (value) known[name] = value;
  }
  for (const name of ["shortest", "longest"] as const) {
    const value = minutes(search[name]);
    if (value) known[name] = value;
  }
  const order = orders.find((one) => one === search.order);
  if (order) known.order = order;
  return known;
}

/** The same, as the server is asked. */
export function hallQuery(search: LibrarySearch, spaceId: string | undefined): HallQuery {
  const { kind, language, tag, speaker, person, engine, since, until, shortest, longest } = search;
  return {
    ...(spaceId && { space_id: spaceId }),
    ...(kind && { kind }),
    ...(language && { language }),
    ...(tag && { tag }),
    ...(speaker && { speaker }),
    ...(person && { person }),
    ...(engine && { engine }),
    ...(since && { since: midnight(since, 0) }),
    ...(until && { until: midnight(until, 1) }),
    ...(shortest && { min_seconds: shortest * MINUTE }),
    ...(longest && { max_seconds: longest * MINUTE }),
  };
}

/** The reader's own midnight. */
function midnight(day: string, later: number): string {
  return new Date(new Date(`${day}T00:00`).getTime() + later * DAY_MS).toISOString();
}

/** How many filters are set, the words and the order apart. */
export const filtersSet = ({ q: _, order: __, ...rest }: LibrarySearch): number => Object.keys(rest).length;

export function addressOf(path: string, query: Record<string, unknown>): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) said.append(name, String(one));
  }
  return `${path}?${said.toString()}`;
}

export const views = ["text", "analysis", "ask", "versions"] as const;
export type View = (typeof views)[number];

export interface ConversationSearch {
  /** The utterance that something points at. */
  at?: string;
  view?: View;
}

export function conversationSearch(search: Record<string, unknown>): ConversationSearch {
  const at = text(search.at);
  const view = views.find((one) => one === search.view);
  return { ...(at && { at }), ...(view && { view }) };
}
