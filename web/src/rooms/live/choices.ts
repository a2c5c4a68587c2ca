import { type CSSProperties, useCallback, useEffect, useState } from "react";
import { type MicrophoneChoice, microphones, ways } from "../../live";
import type { LiveChoices } from "./conversation";

const KEY = "tertulia.live.choices";

export interface Wishes extends LiveChoices {
  /** Names and words to expect, as they were typed. */
  hotWords: string;
  /** How long it may last, in seconds. */
  limit: number;
  /** One of the sizes of text. */
  size: number;
}

export const limits = [600, 1800, 3600] as const;
export const sizes = ["1rem", "1.125rem", "1.375rem", "1.75rem", "2.25rem", "3rem"] as const;
const USUAL_SIZE = 1;

/** The chosen size of text, for the style sheet. */
export const sized = (size: number) => ({ "--live-size": sizes[size] }) as CSSProperties;

const usual: Wishes = {
  language: "",
  engine: "",
  microphone: "",
  way: "pcm",
  hotWords: "",
  limit: 3600,
  size: USUAL_SIZE,
};

const text = (value: unknown) => (typeof value === "string" ? value : "");

function kept(): Wishes {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<keyof Wishes, unknown>>;
    return {
      language: text(found.language),
      engine: text(found.engine),
      microphone: text(found.microphone),
      hotWords: text(found.hotWords),
      way: ways.find((way) => way === found.way) ?? usual.way,
      limit: limits.find((limit) => limit === found.limit) ?? usual.limit,
      size: sizes.findIndex((_, index) => index === found.size) >= 0 ? Number(found.size) : usual.size,
    };
  } catch {
    return usual;
  }
}

/** How the next conversation is to be heard; this browser remembers. */
export function useWishes(): [Wishes, (part: Partial<Wishes>) => void] {
  const [wishes, setWishes] = useState(kept);
  const change = useCallback((part: Partial<Wishes>) => {
    setWishes((before) => {
      const after = { ...before, ...part };
      localStorage.setItem(KEY, JSON.stringify(after));
      return after;
    });
  }, []);
  return [wishes, change];
}

export const hotWordsOf = (typed: string) =>
  typed
    .split(/[,;\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .slice(0, 100);

/** The microphones there are, as they come and go; `asked` is anything that changes when permission may have been given. */
export function useMicrophones(asked: unknown): MicrophoneChoice[] {
  const [found, setFound] = useState<MicrophoneChoice[]>([]);
  useEffect(() => {
    let here = true;
    const look = () => {
      void microphones().then((all) => {
        if (here) setFound(all);
      });
    };
    look();
    const devices = "mediaDevices" in navigator ? navigator.mediaDevices : null;
    devices?.addEventListener("devicechange", look);
    return () => {
      here = false;
      devices?.removeEventListener("devicechange", look);
    };
  }, [asked]);
  return found;
}
