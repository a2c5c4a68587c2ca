import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Segment } from "../../api/types";
import { duration } from "../../i18n/format";
import { SPEAKER_HUES, type Token, token } from "../../theme/theme";
import { direction, type Paragraph, paragraphs } from "./paragraphs";
import classes from "./Transcribe.module.css";

interface TextProps {
  segments: readonly Segment[];
  language: string | null;
  search: string;
}

/** The words themselves, in the book face, with times in the margin and one hue for each voice. */
export function Text({ segments, language, search }: TextProps) {
  const { t } = useTranslation();
  const all = useMemo(() => paragraphs(segments), [segments]);
  const voices = useMemo(() => [...new Set(all.map(identityOf))], [all]);
  const wanted = search.trim();
  const found = wanted ? all.filter((one) => one.text.toLowerCase().includes(wanted.toLowerCase())) : all;
  const nameOf = (one: Paragraph) =>
    one.voice ?? (one.channel === null ? null : t("transcribe.channel", { number: one.channel + 1 }));
  return (
    <>
      {wanted && (
        <p role="status" className={classes.found}>
          {t("transcribe.found", { count: found.length })}
        </p>
      )}
      <div className={classes.text} lang={language ?? undefined} dir={direction(language)}>
        {found.map((one, index) => {
          const before = found[index - 1];
          const name = before && identityOf(before) === identityOf(one) ? null : nameOf(one);
          return (
            <div key={`${one.start}-${identityOf(one)}`} className={classes.paragraph}>
              <span className={classes.time}>{duration(one.start)}</span>
              <div>
                {name && (
                  <p className={classes.voice} style={{ color: hueAt(voices.indexOf(identityOf(one))) }}>
                    {name}
                  </p>
                )}
                <p className={classes.words}>{wanted ? <Marked text={one.text} wanted={wanted} /> : one.text}</p>
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

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const pattern = new RegExp(`(${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, "gi");
  return text.split(pattern).map((piece, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces have no identity but their place
    index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece,
  );
}
