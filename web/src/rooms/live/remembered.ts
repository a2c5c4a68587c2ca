import { type Way, ways } from "../../live";

const KEY = "tertulia.live.session";

/** What a tab must know to find its session again after a reload. */
export interface Remembered {
  id: string;
  way: Way;
}

export function remember(session: Remembered): void {
  sessionStorage.setItem(KEY, JSON.stringify(session));
}

export function forget(): void {
  sessionStorage.removeItem(KEY);
}

export function recall(): Remembered | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Remembered> | null;
    const way = ways.find((one) => one === kept?.way);
    return typeof kept?.id === "string" && way ? { id: kept.id, way } : null;
  } catch {
    return null;
  }
}
