import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../i18n/format";
import { token } from "../theme/theme";
import { Person } from "../ui/Person";
import classes from "./Listening.module.css";
import { direction, type Paragraph } from "./paragraphs";
import { offsetAt } from "./textPlaces";
import type { Finding } from "./useFinding";
import { useFollowing } from "./useFollowing";
import type { Player } from "./usePlayer";
import { huesOf, identityOf } from "./voices";

const LINE_PX = 29;
const LETTERS_A_LINE = 66;

interface SpokenTextProps {
  all: readonly Paragraph[];
  language: string | null;
  finding: Finding;
  player: Player;
  /** Whether the recording is kept, so that words can be heard. */
  heard: boolean;
  /** The paragraph something else points at: it is brought into view and marked. */
  cited?: number | null;
  /** What can be done with a paragraph, beside it. */
  aside?: (one: Paragraph, index: number) => ReactNode;
  /** What stands in a paragraph's place, as while it is being corrected. */
  instead?: (one: Paragraph, index: number) => ReactNode;
}

/** The words themselves, in the book face, with times in the margin and one hue for each voice. */
export function SpokenText(props: SpokenTextProps) {
  const { all, language, finding, player, heard, cited = null } = props;
  const text = useRef<HTMLDivElement>(null);
  const hues = useMemo(() => huesOf(all), [all]);
  const { virtual, reveal, top } = useLongText(all, text);
  useFollowing(player, text, all, reveal);

  const wanted = finding.words.trim();
  const current = finding.found[finding.place];
  useEffect(() => {
    if (wanted !== "" && current !== undefined) reveal(current);
  }, [wanted, current, reveal]);
  useEffect(() => {
    if (cited !== null) reveal(cited);
  }, [cited, reveal]);

  return (
    <div
      ref={text}
      className={classes.text}
      lang={language ?? undefined}
      dir={direction(language)}
      style={{ height: virtual.getTotalSize() }}
    >
      {virtual.getVirtualItems().map(({ index, key, start }) => {
        const one = all[index];
        if (!one) return null;
        const before = all[index - 1];
        return (
          <div
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            data-cited={index === cited || (wanted !== "" && index === current) || undefined}
            className={classes.paragraph}
            style={{ transform: `translateY(${start - top}px)` }}
          >
            <Time seconds={one.start} onHear={heard ? player.hear : null} />
            <div className={classes.said}>
              {(!before || identityOf(before) !== identityOf(one)) && <Speaker one={one} hues={hues} />}
              {props.instead?.(one, index) ?? <Line one={one} index={index} {...{ player, heard, wanted }} />}
            </div>
            {props.aside && <div className={classes.aside}>{props.aside(one, index)}</div>}
          </div>
        );
      })}
    </div>
  );
}

/** Lays out only what is near the screen, however long the text is. */
function useLongText(all: readonly Paragraph[], text: React.RefObject<HTMLDivElement | null>) {
  const [top, setTop] = useState(0);
  const virtual = useWindowVirtualizer({
    count: all.length,
    estimateSize: (index) => 18 + LINE_PX * Math.ceil((all[index]?.text.length ?? 0) / LETTERS_A_LINE),
    overscan: 10,
    scrollMargin: top,
  });

  // What stands above the text comes and goes, and moves it.
  useLayoutEffect(() => {
    const measure = () => {
      const box = text.current?.getBoundingClientRect();
      if (box) setTop(Math.round(box.top + window.scrollY));
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, [text]);

  const latest = useRef(virtual);
  latest.current = virtual;
  const reveal = useCallback(
    (index: number) => {
      const line = text.current?.querySelector(`[data-index="${index}"]`);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (line) line.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
      else latest.current.scrollToIndex(index, { align: "center" });
    },
    [text],
  );
  return { virtual, reveal, top };
}

interface LineProps {
  one: Paragraph;
  index: number;
  player: Player;
  heard: boolean;
  wanted: string;
}

function Line({ one, index, player, heard, wanted }: LineProps) {
  return (
    // A click on a word is a short cut; the time beside it does the same by keyboard.
    <p
      className={classes.words}
      dir="auto"
      data-line={index}
      data-heard={heard || undefined}
      onClick={(event) => {
        const selecting = (getSelection()?.toString() ?? "") !== "";
        if (!heard || selecting) return;
        player.hear(secondsAt(one, offsetAt(event.currentTarget, event.clientX, event.clientY)));
      }}
    >
      {wanted ? <Marked text={one.text} wanted={wanted} /> : one.text}
    </p>
  );
}

/** When the word at this place of the text is spoken. */
function secondsAt(one: Paragraph, offset: number | null): number {
  if (offset === null) return one.start;
  const word = one.words.find(({ from, to }) => offset >= from && offset <= to);
  const part = one.parts.find(({ from, to }) => offset >= from && offset <= to);
  return word?.start ?? part?.start ?? one.start;
}

function Speaker({ one, hues }: { one: Paragraph; hues: ReturnType<typeof huesOf> }) {
  const { t } = useTranslation();
  const name = one.voice ?? (one.channel === null ? null : t("listen.channel", { number: one.channel + 1 }));
  if (name === null) return null;
  const hue = hues.get(identityOf(one)) ?? "speaker-1";
  return (
    <p className={classes.voice} style={{ color: token(hue) }}>
      <Person identity={identityOf(one)} name={name} size={24} hue={hue} />
      {name}
    </p>
  );
}

function Time({ seconds, onHear }: { seconds: number; onHear: ((seconds: number) => void) | null }) {
  const { t } = useTranslation();
  const time = duration(seconds);
  if (!onHear) return <span className={classes.time}>{time}</span>;
  return (
    <button
      type="button"
      className={classes.time}
      aria-label={t("listen.from", { time })}
      onClick={() => onHear(seconds)}
    >
      {time}
    </button>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const pattern = new RegExp(`(${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, "gi");
  return text.split(pattern).map((piece, index) => (index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece));
}
