import { useEffect, useRef, useState } from "react";

const STEP_SECONDS = 5;

export const rates = ["0.75", "1", "1.25", "1.5", "2"] as const;

export interface Player {
  /** The sound itself, once it is on the page. */
  audio: HTMLAudioElement | null;
  attach: (element: HTMLAudioElement | null) => void;
  playing: boolean;
  /** Where it is, to the second; the element itself is asked for more. */
  seconds: number;
  length: number;
  toggle: () => void;
  seek: (seconds: number) => void;
  /** Goes there and is heard from there on. */
  hear: (seconds: number) => void;
}

const busy = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest("input, textarea, select, button, a, [contenteditable], [role=slider], [role=menu], [role=tab]") !==
    null;

const EVENTS = ["play", "pause", "ended", "timeupdate", "seeked"];

/** The sound of one recording: space plays, arrows seek. */
export function usePlayer(length: number): Player {
  const [audio, attach] = useState<HTMLAudioElement | null>(null);
  const [playing, setPlaying] = useState(false);
  const [seconds, setSeconds] = useState(0);

  useEffect(() => {
    if (!audio) return;
    const tell = () => {
      setPlaying(!audio.paused);
      setSeconds(Math.floor(audio.currentTime));
    };
    for (const event of EVENTS) audio.addEventListener(event, tell);
    return () => {
      for (const event of EVENTS) audio.removeEventListener(event, tell);
    };
  }, [audio]);

  const play = () => void audio?.play().catch(() => setPlaying(false));

  const toggle = () => {
    if (audio?.paused) play();
    else audio?.pause();
  };

  const seek = (to: number) => {
    if (!audio) return;
    audio.currentTime = Math.min(Math.max(0, to), length);
    setSeconds(Math.floor(audio.currentTime));
  };

  const hear = (from: number) => {
    seek(from);
    play();
  };

  const keys = useRef({ toggle, seek });
  keys.current = { toggle, seek };
  useEffect(() => {
    if (!audio) return;
    const listen = (event: KeyboardEvent) => {
      if (busy(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " ") keys.current.toggle();
      else if (event.key === "ArrowLeft") keys.current.seek(audio.currentTime - STEP_SECONDS);
      else if (event.key === "ArrowRight") keys.current.seek(audio.currentTime + STEP_SECONDS);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [audio]);

  return { audio, attach, playing, seconds, length, toggle, seek, hear };
}
