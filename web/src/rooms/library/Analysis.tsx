import { Badge, Button, Progress } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { problemFrom } from "../../api/problem";
import { useFormat } from "../../i18n/format";
import { token } from "../../theme/theme";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import classes from "./Analysis.module.css";
import { Cite } from "./Cite";
import { Feelings } from "./Feelings";
import type { Transcript } from "./hall";
import {
  type Analysis as Found,
  analysisQuery,
  isUnderWay,
  type Point,
  type Results,
  useAnalyse,
} from "./understanding";

interface AnalysisProps {
  transcript: Transcript;
  onShow: (utterance: string) => void;
}

/** What was understood, each point with the words it rests on. */
export function Analysis({ transcript, onShow }: AnalysisProps) {
  const { t } = useTranslation();
  const query = useQuery(analysisQuery(transcript.id));
  const analyse = useAnalyse(transcript.id);
  const found = query.data;
  const run = () => analyse.mutate();
  return (
    <div className={classes.analysis}>
      <ProblemNote failure={query.error ?? analyse.error} />
      {query.isPending && <RowSkeletons rows={2} height={120} />}
      {found === null && (
        <div className={classes.none}>
          <p>{t("library.analysis.none")}</p>
          <Button
            leftSection={<IconSparkles size={18} aria-hidden="true" />}
            loading={analyse.isPending}
            disabled={transcript.state === "open"}
            onClick={run}
          >
            {t("library.analysis.run")}
          </Button>
        </div>
      )}
      {found && isUnderWay(found) && <UnderWay found={found} />}
      {found?.status === "FAILED" && (
        <ProblemNote failure={problemFrom(Number(found.error?.status ?? 500), found.error ?? {}, null)} onRetry={run} />
      )}
      {found && <Understood results={found.results} onShow={onShow} />}
      {found?.status === "DONE" && <Foot found={found} busy={analyse.isPending} onAgain={run} />}
    </div>
  );
}

function UnderWay({ found }: { found: Found }) {
  const { t } = useTranslation();
  return (
    <div role="status" className={classes.underWay}>
      <span>{t("library.analysis.running")}</span>
      <Progress
        size="sm"
        color={token("accent")}
        value={Math.max(4, found.progress * 100)}
        aria-label={t("library.analysis.running")}
      />
    </div>
  );
}

function Understood({ results, onShow }: { results: Results; onShow: AnalysisProps["onShow"] }) {
  const { t } = useTranslation();
  const points = (name: "decisions" | "risks", found: Point[] | null | undefined) =>
    found &&
    found.length > 0 && (
      <Block title={t(`library.analysis.${name}`)}>
        <ul className={classes.points}>
          {found.map((point) => (
            <PointLine key={point.what} point={point} onShow={onShow} />
          ))}
        </ul>
      </Block>
    );
  return (
    <>
      {results.summary && (
        <Block title={t("library.analysis.summary")}>
          <p className={classes.summary}>{results.summary}</p>
        </Block>
      )}
      <Feelings results={results} onShow={onShow} />
      {results.reason && (
        <Block title={t("library.analysis.reason")}>
          <ul className={classes.points}>
            <PointLine point={results.reason} onShow={onShow} />
          </ul>
        </Block>
      )}
      {points("decisions", results.decisions)}
      {results.tasks && results.tasks.length > 0 && (
        <Block title={t("library.analysis.tasks")}>
          <ul className={classes.points}>
            {results.tasks.map((task) => (
              <PointLine key={task.what} point={task} onShow={onShow}>
                {task.who && <Badge color="quiet">{task.who}</Badge>}
                {task.by && <Badge color="warn">{t("library.analysis.by", { when: task.by })}</Badge>}
              </PointLine>
            ))}
          </ul>
        </Block>
      )}
      {points("risks", results.risks)}
      {results.topics && results.topics.length > 0 && (
        <Block title={t("library.analysis.topics")}>
          <div className={classes.topics}>
            {results.topics.map((topic) => (
              <Link key={topic} to="/library" search={{ q: topic }} className={classes.topic}>
                {topic}
              </Link>
            ))}
          </div>
        </Block>
      )}
    </>
  );
}

function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.block}>
      <h2 className={classes.title}>{title}</h2>
      {children}
    </section>
  );
}

interface PointLineProps {
  point: Point;
  onShow: (utterance: string) => void;
  children?: ReactNode;
}

function PointLine({ point, onShow, children }: PointLineProps) {
  return (
    <li>
      <p className={classes.what}>{point.what}</p>
      {children && <p className={classes.marks}>{children}</p>}
      {point.evidence.map((evidence) => (
        <Cite
          key={`${evidence.utterance_id} ${evidence.quote}`}
          cited={evidence}
          brief={point.what.includes(evidence.quote)}
          onShow={() => onShow(evidence.utterance_id)}
        />
      ))}
    </li>
  );
}

/** How it was made, honestly, and the way to make it again. */
function Foot({ found, busy, onAgain }: { found: Found; busy: boolean; onAgain: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const offline = found.provider?.split("|").at(-1) === "offline";
  return (
    <div className={classes.foot}>
      {found.outdated && <p className={classes.outdated}>{t("library.analysis.outdated")}</p>}
      {found.covered !== null && found.covered < 1 && (
        <p>{t("library.analysis.covered", { share: format.percent(found.covered) })}</p>
      )}
      <p>{offline ? t("library.analysis.offline") : t("library.analysis.madeBy", { engine: found.provider ?? "" })}</p>
      <Button size="compact-sm" variant={found.outdated ? "filled" : "subtle"} loading={busy} onClick={onAgain}>
        {t("library.analysis.again")}
      </Button>
    </div>
  );
}
