import { type RefObject, useEffect, useRef, useState } from "react";

const STEP_SECONDS = 5;

export const rates = ["0.75", "1", "1.25", "1.5", "2"] as const;

export interface Player {
  audio: RefObject<HTMLAudioElement | null>;
  playing: boolean;
  /** Where it is, to the second; the element itself is asked for more. */
  seconds: number;
  length: number;
  toggle: () => void;
  seek: (seconds: number) => void;
}

const busy = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest("input, textarea, select, button, a, [role=slider], [role=menu]") !== null;

/** The sound of one recording: space plays, arrows seek. */
export function usePlayer(length: number): Player {
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [seconds, setSeconds] = useState(0);

  useEffect(() => {
    const element = audio.current;
    if (!element) return;
    const tell = () => {
      setPlaying(!element.paused);
      setSeconds(Math.floor(element.currentTime));
    };
    const events = ["play", "pause", "ended", "timeupdate", "seeked"];
    for (const event of events) element.addEventListener(event, tell);
    return () => {
      for (const event of events) element.removeEventListener(event, tell);
    };
  }, []);

  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (element.paused) void element.play().catch(() => setPlaying(false));
    else element.pause();
  };

  const seek = (to: number) => {
    const element = audio.current;
    if (!element) return;
    element.currentTime = Math.min(Math.max(0, to), length);
    setSeconds(Math.floor(element.currentTime));
  };

  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (busy(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " ") toggle();
      else if (event.key === "ArrowLeft") seek((audio.current?.currentTime ?? 0) - STEP_SECONDS);
      else if (event.key === "ArrowRight") seek((audio.current?.currentTime ?? 0) + STEP_SECONDS);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
    // Both read only the element and the length.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [length]);

  return { audio, playing, seconds, length, toggle, seek };
}
