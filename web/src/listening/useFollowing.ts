import { type RefObject, useEffect } from "react";
import { begun, type Paragraph } from "./paragraphs";
import { rangeOf } from "./textPlaces";
import type { Player } from "./usePlayer";

const SPOKEN = "spoken";
const LEFT_ALONE_MS = 4000;
const SCROLLS = ["wheel", "touchmove"] as const;

/**
 * Marks the spoken word by a highlight laid over the text, which needs no element for each of a hundred thousand words,
 * and brings its line into view while the person does not scroll.
 */
export function useFollowing(
  player: Player,
  text: RefObject<HTMLElement | null>,
  all: readonly Paragraph[],
  reveal: (index: number) => void,
): void {
  const { audio, playing } = player;
  useEffect(() => {
    if (!playing || !audio || !("highlights" in CSS)) return;
    let scrolledAt = 0;
    let shown = -1;
    let frame = 0;
    const moved = () => {
      scrolledAt = performance.now();
    };
    const follow = () => {
      frame = requestAnimationFrame(follow);
      const index = begun(all, audio.currentTime);
      const paragraph = all[index];
      if (!paragraph) return;
      if (index !== shown && performance.now() - scrolledAt > LEFT_ALONE_MS) reveal(index);
      shown = index;
      const line = text.current?.querySelector(`[data-line="${index}"]`);
      if (!line) return;
      const word = paragraph.words[begun(paragraph.words, audio.currentTime)];
      const range = word ? rangeOf(line, word.from, word.to) : rangeOf(line, 0, paragraph.text.length);
      if (range) CSS.highlights.set(SPOKEN, new Highlight(range));
    };
    frame = requestAnimationFrame(follow);
    for (const event of SCROLLS) window.addEventListener(event, moved, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      for (const event of SCROLLS) window.removeEventListener(event, moved);
      CSS.highlights.delete(SPOKEN);
    };
  }, [audio, playing, text, all, reveal]);
}
