import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { useSaid } from "../../i18n/said";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { type Bar, Chart } from "../costs/Charts";
import { type Figures, figuresQuery, type TurnsSearch } from "./turns";
import classes from "./Turns.module.css";

const DAYS = 30;
const stages = ["stt", "llm", "tts"] as const;

/** The last thirty days as answers to questions. */
export function Charts({ search }: { search: TurnsSearch }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const format = useFormat();
  const said = useSaid();
  const figures = useQuery(figuresQuery(search, space?.id));
  if (figures.isPending) return <RowSkeletons />;
  if (figures.error) return <ProblemNote failure={figures.error} onRetry={() => void figures.refetch()} />;
  const found = figures.data;
  const count = (value: number) => format.number(value);
  const ms = (value: number) => `${format.number(value)} ms`;
  const failures = found.outcomes
    .filter((one) => one.outcome !== "ok")
    .map((one) => ({
      id: one.outcome,
      name: said("problems", one.outcome, one.outcome),
      amount: one.turns,
      leads: { to: "/turns" as const, search: { ...without(search), failed: true } },
    }));
  if (found.outcomes.length === 0) return <p>{t("turns.noFigures")}</p>;
  return (
    <div className={classes.charts}>
      <Chart
        question={t("turns.questions.volume")}
        bars={daysOf(found, (day) => format.date(`${day}T12:00:00Z`))}
        write={count}
        upright
      />
      {stages.map((stage) => (
        <Chart
          key={stage}
          question={t(`turns.questions.${stage}`)}
          bars={latencyOf(found, stage, (share, provider) => t(`turns.${share}`, { provider }))}
          write={ms}
        />
      ))}
      <Chart question={t("turns.questions.errors")} bars={failures} write={count} />
    </div>
  );
}

type Within = (share: "half" | "most", provider: string) => string;

function latencyOf(figures: Figures, stage: (typeof stages)[number], within: Within): Bar[] {
  return figures.stages
    .filter((one) => one.stage === stage)
    .flatMap((one) => {
      const name = one.provider.replaceAll("|", " → ");
      return [
        { id: `${one.provider}:50`, name: within("half", name), amount: one.p50_ms },
        { id: `${one.provider}:95`, name: within("most", name), amount: one.p95_ms },
      ];
    });
}

const without = ({ charts: _, ...rest }: TurnsSearch): TurnsSearch => rest;

/** Every day of the month up to today, also those without a turn. */
function daysOf(figures: Figures, name: (day: string) => string): Bar[] {
  const known = new Map(figures.days.map((day) => [day.day, day.turns]));
  const today = Date.now();
  return Array.from({ length: DAYS }, (_, index) => {
    const day = new Date(today - (DAYS - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { id: day, name: name(day), amount: known.get(day) ?? 0 };
  });
}
