import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Segment } from "../../api/types";
import { duration } from "../../i18n/format";
import { SPEAKER_HUES, type Token, token } from "../../theme/theme";
import { direction, type Paragraph, paragraphs } from "./paragraphs";
import classes from "./Transcribe.module.css";
import { secondsAt, useFollowing } from "./useFollowing";
import type { Player } from "./usePlayer";

interface TextProps {
  segments: readonly Segment[];
  language: string | null;
  search: string;
  player: Player;
  /** Whether the recording is kept, so that words can be heard. */
  heard: boolean;
}

/** The words themselves, in the book face, with times in the margin and one hue for each voice. */
export function Text({ segments, language, search, player, heard }: TextProps) {
  const { t } = useTranslation();
  const text = useRef<HTMLDivElement>(null);
  const all = useMemo(() => paragraphs(segments), [segments]);
  const voices = useMemo(() => [...new Set(all.map(identityOf))], [all]);
  useFollowing(player, text, all);
  const wanted = search.trim();
  const found = all.map((one, index) => ({ one, index })).filter(({ one }) => contains(one.text, wanted));
  const nameOf = (one: Paragraph) =>
    one.voice ?? (one.channel === null ? null : t("transcribe.channel", { number: one.channel + 1 }));
  return (
    <>
      {wanted && (
        <p role="status" className={classes.found}>
          {t("transcribe.found", { count: found.length })}
        </p>
      )}
      <div ref={text} className={classes.text} lang={language ?? undefined} dir={direction(language)}>
        {found.map(({ one, index }, place) => {
          const before = found[place - 1]?.one;
          const name = before && identityOf(before) === identityOf(one) ? null : nameOf(one);
          return (
            <div key={index} className={classes.paragraph}>
              <Time seconds={one.start} onSeek={heard ? player.seek : null} />
              <div>
                {name && (
                  <p className={classes.voice} style={{ color: hueAt(voices.indexOf(identityOf(one))) }}>
                    {name}
                  </p>
                )}
                {/* A click on a word is a short cut; the time beside it does the same by keyboard. */}
                <p
                  className={classes.words}
                  data-line={index}
                  data-heard={heard || undefined}
                  onClick={(event) => {
                    const selecting = (getSelection()?.toString() ?? "") !== "";
                    if (heard && !selecting) player.seek(secondsAt(one, event.clientX, event.clientY));
                  }}
                >
                  {wanted ? <Marked text={one.text} wanted={wanted} /> : one.text}
                </p>
              </div>
            </div>
          );
        })}
      </div>
    </>
  );
}

const identityOf = (one: Paragraph) => one.voice ?? String(one.channel);

const hueAt = (index: number) => token(`speaker-${(index % SPEAKER_HUES) + 1}` as Token);

const contains = (text: string, wanted: string) => wanted === "" || text.toLowerCase().includes(wanted.toLowerCase());

function Time({ seconds, onSeek }: { seconds: number; onSeek: ((seconds: number) => void) | null }) {
  const { t } = useTranslation();
  const time = duration(seconds);
  if (!onSeek) return <span className={classes.time}>{time}</span>;
  return (
    <button
      type="button"
      className={classes.time}
      aria-label={t("listen.from", { time })}
      onClick={() => onSeek(seconds)}
    >
      {time}
    </button>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const pattern = new RegExp(`(${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, "gi");
  return text.split(pattern).map((piece, index) => (index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece));
}
