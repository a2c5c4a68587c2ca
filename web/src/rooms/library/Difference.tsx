import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { duration, useFormat } from "../../i18n/format";
import { direction } from "../../listening/paragraphs";
import type { Player } from "../../listening/usePlayer";
import listening from "../../listening/Listening.module.css";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import classes from "./Analysis.module.css";
import type { Transcript } from "./hall";
import { type Difference as Found, differenceQuery, type Reading, readingsQuery } from "./understanding";

type Piece = Found["pieces"][number];

const ROW_SECONDS = 20;

interface DifferenceProps {
  transcript: Transcript;
  number: number;
  player: Player;
  onBack: () => void;
}

/** Two readings beside one another; what differs is marked, and can be heard. */
export function Difference({ transcript, number, player, onBack }: DifferenceProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery(differenceQuery(transcript.id, number));
  const readings = useQuery(readingsQuery(transcript.id));
  const engineOf = (sought: (one: Reading) => boolean) => {
    const engine = readings.data?.items.find(sought)?.engine;
    return engine ? ` · ${engine}` : "";
  };
  return (
    <div lang={transcript.language ?? undefined}>
      <ProblemNote failure={query.error} />
      {query.isPending && <RowSkeletons rows={4} height={100} />}
      {query.data && (
        <>
          <p className={classes.differenceHead}>
            <span>{t("library.versions.agree", { share: format.percent(query.data.agreement) })}</span>
            <Button size="compact-sm" variant="subtle" onClick={onBack}>
              {t("library.versions.back")}
            </Button>
          </p>
          <div className={`${classes.differenceRow} ${classes.differenceTitles}`}>
            <span />
            <span>
              {t("library.versions.current")}
              {engineOf((one) => one.is_current)}
            </span>
            <span>
              {t("library.versions.other")}
              {engineOf((one) => one.number === number)}
            </span>
          </div>
          {rowsOf(query.data.pieces).map((row, index) => (
            <div key={index} className={classes.differenceRow} dir={direction(transcript.language)}>
              <button
                type="button"
                className={listening.time}
                aria-label={t("listen.from", { time: duration(row[0]?.start ?? 0) })}
                onClick={() => player.hear(row[0]?.start ?? 0)}
              >
                {duration(row[0]?.start ?? 0)}
              </button>
              <p>{row.map((piece, place) => mark(piece.before, piece.change !== "same" && "del", place))}</p>
              <p>{row.map((piece, place) => mark(piece.after, piece.change !== "same" && "ins", place))}</p>
            </div>
          ))}
        </>
      )}
    </div>
  );
}

function mark(text: string, Tag: "del" | "ins" | false, key: number) {
  if (text === "") return null;
  return <Fragment key={key}>{Tag ? <Tag>{text}</Tag> : text} </Fragment>;
}

/** Rows of about the same length, so that what belongs together stays level; a long run that is the same is cut. */
function rowsOf(pieces: readonly Piece[]): Piece[][] {
  const rows: Piece[][] = [];
  let until = Number.NEGATIVE_INFINITY;
  for (const piece of pieces.flatMap(cut)) {
    if (piece.start >= until) {
      rows.push([]);
      until = piece.start + ROW_SECONDS;
    }
    rows.at(-1)?.push(piece);
  }
  return rows;
}

function cut(piece: Piece): Piece[] {
  const count = Math.ceil((piece.end - piece.start) / ROW_SECONDS);
  if (piece.change !== "same" || count < 2) return [piece];
  const before = piece.before.split(/\s+/);
  const after = piece.after.split(/\s+/);
  const share = (words: string[], part: number) =>
    words.slice(Math.floor((part * words.length) / count), Math.floor(((part + 1) * words.length) / count)).join(" ");
  return Array.from({ length: count }, (_, part) => ({
    ...piece,
    before: share(before, part),
    after: share(after, part),
    start: piece.start + part * ROW_SECONDS,
  }));
}
