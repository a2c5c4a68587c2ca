import { type RefObject, useEffect, useState } from "react";

/** Lets one part of the page fill the screen; where the browser keeps that to itself, at least the window. */
export function useFullScreen(part: RefObject<HTMLElement | null>) {
  const [on, setOn] = useState(false);

  useEffect(() => {
    if (!on) return;
    const left = () => {
      if (!document.fullscreenElement) setOn(false);
    };
    const leave = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOn(false);
    };
    document.addEventListener("fullscreenchange", left);
    document.addEventListener("keydown", leave);
    return () => {
      document.removeEventListener("fullscreenchange", left);
      document.removeEventListener("keydown", leave);
      if (document.fullscreenElement) void document.exitFullscreen();
    };
  }, [on]);

  const toggle = () => {
    if (!on) void part.current?.requestFullscreen?.().catch(() => {});
    setOn(!on);
  };
  return { on, toggle };
}
