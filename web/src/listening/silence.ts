import { useEffect, useMemo, useState } from "react";
import type { Paragraph } from "./paragraphs";
import type { Player } from "./usePlayer";

/** Left of a silence on either side, so that no word loses its breath. */
const EDGE_SECONDS = 0.25;
const WORTH_SECONDS = 1;
const WORTH_OFFERING_SECONDS = 5;
const KEY = "tertulia.skip-silence";

export interface Stretch {
  start: number;
  end: number;
}

/** When somebody speaks, whoever it is. */
export function spokenStretches(all: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const { start, end } of [...all].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && start - last.end < WORTH_SECONDS) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** Where to go on from a silence; null while somebody speaks, or when nobody does any more. */
export function afterSilence(spoken: readonly Stretch[], seconds: number): number | null {
  const next = spoken.findIndex((one) => one.start > seconds);
  const target = spoken[next]?.start;
  if (target === undefined) return null;
  const before = spoken[next - 1];
  if (before && seconds < before.end + EDGE_SECONDS) return null;
  const landing = target - EDGE_SECONDS;
  return landing - seconds > WORTH_SECONDS - EDGE_SECONDS ? landing : null;
}

/** Whether silences are passed over while playing; this browser remembers. */
export function useSilence(player: Player, all: readonly Paragraph[]) {
  const { audio, playing, length } = player;
  const [skips, setSkips] = useState(() => localStorage.getItem(KEY) === "yes");
  const spoken = useMemo(() => spokenStretches(all), [all]);
  const silent = length - spoken.reduce((sum, one) => sum + one.end - one.start, 0);

  useEffect(() => {
    if (!audio || !playing || !skips) return;
    const look = () => {
      const landing = afterSilence(spoken, audio.currentTime);
      if (landing !== null) audio.currentTime = landing;
    };
    look();
    audio.addEventListener("timeupdate", look);
    return () => audio.removeEventListener("timeupdate", look);
  }, [audio, playing, skips, spoken]);

  const toggle = () => {
    localStorage.setItem(KEY, skips ? "no" : "yes");
    setSkips(!skips);
  };
  return { skips, toggle, offered: spoken.length > 0 && silent > WORTH_OFFERING_SECONDS };
}
