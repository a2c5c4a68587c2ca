import { type RefObject, useEffect } from "react";

const FALL = 0.12;
const SEATS = 5;
/** Below it nobody is speaking into the microphone. */
const FLOOR = 0.28;
const CEILING = 0.85;

const share = (level: number) => Math.min(1, Math.max(0, (level - FLOOR) / (CEILING - FLOOR)));

/** Shows the level on the five seats and the table itself, without a render a frame. */
export function useLevel(ring: RefObject<SVGSVGElement | null>, level: (() => number) | null): void {
  useEffect(() => {
    const drawn = ring.current;
    if (!drawn || !level) return;
    const seats = [...drawn.querySelectorAll<SVGElement>("[data-seat]")];
    let shown = 0;
    let frame = 0;
    const draw = () => {
      frame = requestAnimationFrame(draw);
      const now = share(level());
      // Up at once, down gently: the eye reads it as a voice and not as a flicker.
      shown = now > shown ? now : Math.max(now, shown - FALL * shown - 0.004);
      drawn.style.setProperty("--level", shown.toFixed(3));
      for (const [index, seat] of seats.entries()) {
        seat.style.opacity = String(Math.min(1, 0.2 + Math.max(0, shown * SEATS - index) * 0.8));
      }
    };
    frame = requestAnimationFrame(draw);
    return () => {
      cancelAnimationFrame(frame);
      drawn.style.removeProperty("--level");
      for (const seat of seats) seat.style.removeProperty("opacity");
    };
  }, [ring, level]);
}

const LOOK_MS = 250;
const QUIET_MS = 6000;

/** Tells when nothing has been heard for so long that the microphone may be off. */
export function watchSilence(level: () => number, onChange: (silent: boolean) => void): () => void {
  let heardAt = Date.now();
  let silent = false;
  const timer = setInterval(() => {
    if (level() > FLOOR) heardAt = Date.now();
    const now = Date.now() - heardAt > QUIET_MS;
    if (now !== silent) onChange(now);
    silent = now;
  }, LOOK_MS);
  return () => clearInterval(timer);
}
