import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { duration } from "../../i18n/format";
import { direction } from "../../listening/paragraphs";
import { token } from "../../theme/theme";
import { hueOf } from "../../ui/Person";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { Facts } from "./Conversations";
import type { LibrarySearch } from "./filters";
import { type Hit, hitsQuery, type Transcript } from "./hall";
import { kindIcons, useTitle } from "./kinds";
import classes from "./Library.module.css";
import { More } from "./More";

interface Found {
  transcript: Transcript;
  hits: Hit[];
}

/** Hits of one conversation stand together, where its first one stands. */
function gathered(hits: readonly Hit[]): Found[] {
  const found = new Map<string, Found>();
  for (const hit of hits) {
    const there = found.get(hit.transcript.id);
    if (there) there.hits.push(hit);
    else found.set(hit.transcript.id, { transcript: hit.transcript, hits: [hit] });
  }
  return [...found.values()];
}

/** What was said with the words that are looked for, and where. */
export function Hits({ search }: { search: LibrarySearch }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const list = useInfiniteQuery(hitsQuery(search, space?.id));
  const hits = (list.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <>
      <ProblemNote failure={list.error} onRetry={() => void list.refetch()} />
      {list.isPending && <RowSkeletons rows={4} height={110} />}
      <p role="status" className="visually-hidden">
        {list.isSuccess && !list.isPlaceholderData && t("library.foundCount", { count: hits.length })}
      </p>
      {list.isSuccess && hits.length === 0 && (
        <div className={classes.nothing}>
          <p>{t("search.nothing", { words: search.q })}</p>
          <p>{t("library.howToSearch")}</p>
        </div>
      )}
      <div className={list.isPlaceholderData ? classes.stale : undefined}>
        {gathered(hits).map((found) => (
          <FoundIn key={found.transcript.id} found={found} />
        ))}
      </div>
      <More query={list} />
    </>
  );
}

function FoundIn({ found: { transcript, hits } }: { found: Found }) {
  const { t } = useTranslation();
  const title = useTitle();
  const Icon = kindIcons[transcript.kind];
  return (
    <section className={classes.found}>
      <header className={classes.foundHead}>
        <span className={classes.kind} role="img" aria-label={t(`library.kinds.${transcript.kind}`)}>
          <Icon size={20} stroke={1.6} />
        </span>
        <div>
          <h2 className={classes.foundTitle}>
            <Link to="/library/$id" params={{ id: transcript.id }}>
              {title(transcript)}
            </Link>
          </h2>
          <div className={classes.facts}>
            <Facts transcript={transcript} />
          </div>
        </div>
      </header>
      <ul className={classes.hits}>
        {hits.map((hit) => (
          <HitLine key={hit.utterance_id} hit={hit} />
        ))}
      </ul>
    </section>
  );
}

function HitLine({ hit }: { hit: Hit }) {
  const time = duration(hit.start);
  const identity = hit.person ?? hit.speaker;
  return (
    <li>
      <Link
        to="/library/$id"
        params={{ id: hit.transcript.id }}
        search={{ at: hit.utterance_id }}
        className={classes.hit}
      >
        <span className={classes.hitTime}>{time}</span>
        <span className={classes.hitText} lang={hit.language ?? undefined} dir={direction(hit.language)}>
          {hit.speaker && identity && (
            <span className={classes.hitSpeaker} style={{ color: token(hueOf(identity)) }}>
              {hit.speaker}
            </span>
          )}
          {hit.pieces.map((piece, index) =>
            piece.found ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>,
          )}
        </span>
      </Link>
    </li>
  );
}
