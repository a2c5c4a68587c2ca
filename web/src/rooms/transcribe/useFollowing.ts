import { type RefObject, useEffect } from "react";
import { begun, type Paragraph } from "./paragraphs";
import type { Player } from "./usePlayer";

const SPOKEN = "spoken";
const LEFT_ALONE_MS = 4000;

function rangeOf(line: Element, from: number, to: number): Range | null {
  const text = line.firstChild;
  if (text?.nodeType !== Node.TEXT_NODE || to > (text.textContent?.length ?? 0)) return null;
  const range = document.createRange();
  range.setStart(text, from);
  range.setEnd(text, to);
  return range;
}

/**
 * Marks the spoken word by a highlight laid over the text, which needs no element for each of a hundred thousand words,
 * and brings its line into view while the person does not scroll.
 */
export function useFollowing(player: Player, text: RefObject<HTMLElement | null>, all: readonly Paragraph[]): void {
  const { audio, playing } = player;
  useEffect(() => {
    const element = audio.current;
    if (!playing || !element || !("highlights" in CSS)) return;
    let scrolledAt = 0;
    let shown = -1;
    let frame = 0;
    const moved = () => {
      scrolledAt = performance.now();
    };
    const follow = () => {
      frame = requestAnimationFrame(follow);
      const index = begun(all, element.currentTime);
      const paragraph = all[index];
      const line = text.current?.querySelector(`[data-line="${index}"]`);
      if (!paragraph || !line) return;
      const word = paragraph.words[begun(paragraph.words, element.currentTime)];
      const range = word ? rangeOf(line, word.from, word.to) : rangeOf(line, 0, paragraph.text.length);
      if (range) CSS.highlights.set(SPOKEN, new Highlight(range));
      if (index !== shown && performance.now() - scrolledAt > LEFT_ALONE_MS) {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        line.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
      }
      shown = index;
    };
    frame = requestAnimationFrame(follow);
    window.addEventListener("wheel", moved, { passive: true });
    window.addEventListener("touchmove", moved, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("wheel", moved);
      window.removeEventListener("touchmove", moved);
      CSS.highlights.delete(SPOKEN);
    };
  }, [audio, playing, text, all]);
}

/** Where in the audio the word under the pointer is spoken. */
export function secondsAt(paragraph: Paragraph, x: number, y: number): number {
  const caret = "caretPositionFromPoint" in document ? document.caretPositionFromPoint(x, y) : null;
  if (!caret || caret.offsetNode.nodeType !== Node.TEXT_NODE) return paragraph.start;
  const word = paragraph.words.find((one) => caret.offset >= one.from && caret.offset <= one.to);
  return word?.start ?? paragraph.start;
}
