import { useMemo, useState } from "react";
import type { Paragraph } from "./paragraphs";

export interface Finding {
  /** What is looked for, as it was typed. */
  words: string;
  look: (words: string) => void;
  /** The paragraphs that hold it, by number. */
  found: readonly number[];
  /** Which of them is shown, from 0. */
  place: number;
  step: (by: 1 | -1) => void;
}

/** Looking for words inside one text, from one place to the next. */
export function useFinding(all: readonly Paragraph[]): Finding {
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const wanted = words.trim().toLowerCase();
  const found = useMemo(
    () => (wanted === "" ? [] : all.flatMap((one, index) => (one.text.toLowerCase().includes(wanted) ? [index] : []))),
    [all, wanted],
  );
  return {
    words,
    found,
    place: Math.min(place, Math.max(0, found.length - 1)),
    look: (next) => {
      setWords(next);
      setPlace(0);
    },
    step: (by) => setPlace((before) => (found.length === 0 ? 0 : (before + by + found.length) % found.length)),
  };
}
