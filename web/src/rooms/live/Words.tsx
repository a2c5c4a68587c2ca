import { Button } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import {
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../../i18n/format";
import { direction } from "../../listening/paragraphs";
import type { Line } from "../../live";
import { token } from "../../theme/theme";
import { hueOf } from "../../ui/Person";
import { type Passage, passages } from "./paragraphs";
import classes from "./Words.module.css";

const NEAR_PX = 96;
const TOLD = 3;

interface WordsProps {
  lines: readonly Line[];
  /** What stands where no word has been said yet. */
  children: ReactNode;
}

/** The words as they come: grey while they may change, ink once they stay. */
export function Words({ lines, children }: WordsProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useEnd(frame, text, lines);
  useHeight(text, lines);
  const all = useMemo(() => passages(lines), [lines]);
  return (
    <div className={classes.outer}>
      <div ref={frame} className={classes.frame} role="region" aria-label={t("live.words")} tabIndex={0}>
        {all.length === 0 && <div className={classes.before}>{children}</div>}
        <div ref={text} className={classes.text}>
          {all.map((passage, index) => (
            <PassageText key={passage.lines[0]?.id} passage={passage} last={index === all.length - 1} />
          ))}
        </div>
      </div>
      {away && (
        <Button
          className={classes.toEnd}
          size="compact-md"
          variant="default"
          leftSection={<IconArrowDown size={16} aria-hidden="true" />}
          onClick={toEnd}
        >
          {t("live.toEnd")}
        </Button>
      )}
      <Told lines={lines} />
    </div>
  );
}

function PassageText({ passage, last }: { passage: Passage; last: boolean }) {
  const language = passage.lines.find((line) => line.language)?.language;
  return (
    <div className={classes.passage} data-last={last || undefined}>
      <span className={classes.time}>{duration(passage.start)}</span>
      <p className={classes.words} lang={language ?? undefined} dir={direction(language)}>
        {passage.speaker && (
          <span className={classes.voice} style={{ color: token(hueOf(passage.speaker)) }}>
            {passage.speaker}
          </span>
        )}
        {passage.lines.map((line) => (
          <LineText key={line.id} line={line} />
        ))}
      </p>
    </div>
  );
}

const LineText = memo(function LineText({ line }: { line: Line }) {
  return (
    <span className={classes.line} data-utterance={line.id} data-final={line.final || undefined}>
      {line.text
        .trim()
        .split(/\s+/)
        .map((word, place) => (
          <span key={place} className={classes.word}>
            {word}{" "}
          </span>
        ))}
    </span>
  );
});

/** For those who hear the page: confirmed words only, once, when nothing else is being said. */
function Told({ lines }: { lines: readonly Line[] }) {
  const finals = lines.filter((line) => line.final).slice(-TOLD);
  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-relevant="additions">
      {finals.map((line) => (
        <p key={line.id}>{line.text}</p>
      ))}
    </div>
  );
}

/** Keeps the newest words in view, until the reader goes back to look at earlier ones. */
function useEnd(
  frame: RefObject<HTMLDivElement | null>,
  text: RefObject<HTMLDivElement | null>,
  lines: readonly Line[],
) {
  const follows = useRef(true);
  const [away, setAway] = useState(false);

  const keep = useCallback(() => {
    const element = frame.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  }, [frame]);

  useEffect(() => {
    const element = frame.current;
    if (!element || !text.current) return;
    let before = element.scrollTop;
    const look = () => {
      const near = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
      // Only going back is the reader's doing; text that grows leaves the end behind by itself.
      const back = element.scrollTop < before - 1;
      before = element.scrollTop;
      if (near) follows.current = true;
      else if (back) follows.current = false;
      setAway(!follows.current);
      if (!near) keep();
    };
    // A notice above, a larger text or a turned phone change what is in view.
    const observer = new ResizeObserver(keep);
    observer.observe(element);
    observer.observe(text.current);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [frame, text, keep]);

  useLayoutEffect(keep, [keep, lines]);

  const toEnd = () => {
    follows.current = true;
    setAway(false);
    keep();
  };
  return { away, toEnd };
}

/** When a confirmed line turns out shorter than its draft, what is below stays where it is. */
function useHeight(text: RefObject<HTMLDivElement | null>, lines: readonly Line[]): void {
  const tallest = useRef(0);
  useLayoutEffect(() => {
    const element = text.current;
    if (!element) return;
    if (lines.length === 0) tallest.current = 0;
    element.style.minHeight = "";
    tallest.current = Math.max(tallest.current, element.offsetHeight);
    element.style.minHeight = `${tallest.current}px`;
  }, [text, lines]);
  useEffect(() => {
    const element = text.current;
    if (!element) return;
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      tallest.current = 0;
      element.style.minHeight = "";
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [text]);
}
