import { Button, SegmentedControl } from "@mantine/core";
import { IconCoins } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useMe } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { Empty } from "../../ui/Empty";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { kinds, type Kind } from "../library/filters";
import { keysQuery } from "../settings/keys/keys";
import { NewBudget } from "./BudgetDialog";
import { Budgets } from "./Budgets";
import { type Bar, Chart } from "./Charts";
import classes from "./Costs.module.css";
import { Prices } from "./Prices";
import {
  amountOf,
  daysOf,
  type Dimension,
  type Measure,
  measures,
  spans,
  summed,
  type Span,
  usageQuery,
} from "./usage";
import { useAmounts } from "./useAmounts";

const route = getRouteApi("/inside/costs");

/** What was used, what it cost, and what may be spent. */
export function Costs() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const { span = 30, measure: wanted } = route.useSearch();
  const navigate = route.useNavigate();
  const days = useQuery(usageQuery(["day"], span, space?.id));
  const items = days.data?.items ?? [];
  const measured = measures.filter((one) => items.some((total) => amountOf(total, one) > 0));
  const measure = wanted ?? measured[0] ?? "cost";
  const may = space !== undefined && space.role !== "MEMBER";
  return (
    <Page wide title={t("rooms.costs")} lead={t("costs.lead")} action={may && <NewBudget spaceId={space.id} />}>
      <div className={classes.choices}>
        <SegmentedControl
          aria-label={t("costs.span")}
          value={String(span)}
          onChange={(value) => void navigate({ search: (before) => ({ ...before, span: Number(value) as Span }) })}
          data={spans.map((one) => ({ value: String(one), label: t("costs.days", { count: one }) }))}
        />
        {measured.length > 1 && (
          <SegmentedControl
            aria-label={t("costs.measure")}
            value={measure}
            onChange={(value) => void navigate({ search: (before) => ({ ...before, measure: value }) })}
            data={measured.map((one) => ({ value: one, label: t(`costs.measures.${one}`) }))}
          />
        )}
      </div>
      <ProblemNote failure={days.error} onRetry={() => void days.refetch()} />
      {days.isPending && <RowSkeletons rows={3} height={160} />}
      {days.isSuccess && items.length === 0 && <NothingYet />}
      {items.length > 0 && days.data && (
        <>
          <Sums {...{ totals: days.data }} />
          <Answers {...{ span, measure }} currency={days.data.currency} />
        </>
      )}
      <Budgets spaceId={space?.id} may={may} />
      <Prices />
    </Page>
  );
}

function NothingYet() {
  const { t } = useTranslation();
  return (
    <Empty
      icon={<IconCoins size={28} />}
      title={t("costs.emptyTitle")}
      action={
        <Button component={Link} to="/transcribe">
          {t("home.steps.transcribe.verb")}
        </Button>
      }
    >
      {t("costs.emptyWords")}
    </Empty>
  );
}

/** The whole span in a few numbers. */
function Sums({ totals }: { totals: Parameters<typeof summed>[0] & object }) {
  const { t } = useTranslation();
  const amounts = useAmounts(totals.currency);
  const whole = (measure: Measure) => totals.items.reduce((sum, total) => sum + amountOf(total, measure), 0);
  const unpriced = totals.items.reduce((sum, total) => sum + total.unpriced_uses, 0);
  return (
    <div>
      <dl className={classes.sums}>
        {measures.map((measure) => (
          <div key={measure}>
            <dt>{t(`costs.measures.${measure}`)}</dt>
            <dd>{amounts.write(whole(measure), measure)}</dd>
          </div>
        ))}
      </dl>
      {unpriced > 0 && <p className={classes.note}>{t("costs.unpriced", { count: unpriced })}</p>}
    </div>
  );
}

interface AnswersProps {
  span: Span;
  measure: Measure;
  currency: string;
}

function Answers({ span, measure, currency }: AnswersProps) {
  const { t } = useTranslation();
  const me = useMe();
  const format = useFormat();
  const space = useActiveSpace();
  const keys = useQuery(keysQuery);
  const amounts = useAmounts(currency);
  const write = (amount: number) => amounts.write(amount, measure);
  const ask = (...by: Dimension[]) => usageQuery(by, span, space?.id);
  const days = useQuery(ask("day"));
  const doors = useQuery(ask("door"));
  const engines = useQuery(ask("engine"));
  const byKey = useQuery(ask("key", "door"));
  const spaces = useQuery(usageQuery(["space"], span, undefined));

  const asked = (what: Measure) => (what === "cost" ? "cost" : "use");
  const perDay = summed(days.data, "day", measure);
  const since = daysOf(span)[0] ?? "";
  const ranked = (sums: Map<string, number>, bar: (value: string) => Partial<Bar>): Bar[] =>
    [...sums]
      .filter(([, amount]) => amount > 0)
      .sort((a, b) => b[1] - a[1])
      .map(([value, amount]) => ({ id: value, name: value, amount, ...bar(value) }));
  const doorName = (door: string) => {
    if (isKind(door)) return t(`library.kinds.${door}`);
    return isOther(door) ? t(`costs.doors.${door}`) : door;
  };
  // what else a key is used for leaves no list of its own
  const talking = new Set(
    (byKey.data?.items ?? []).filter(({ group }) => group.key && group.door === "voice").map(({ group }) => group.key),
  );
  const keyName = (id: string) =>
    id === "" ? t("costs.noKey") : (keys.data?.items.find((one) => one.id === id)?.name ?? t("costs.goneKey"));
  return (
    <div className={classes.charts}>
      <Chart
        upright
        question={t(`costs.questions.day.${asked(measure)}`)}
        write={write}
        bars={daysOf(span).map((day) => ({
          id: day,
          name: format.date(`${day}T12:00`),
          amount: perDay.get(day) ?? 0,
          leads: { to: "/library", search: { since: day, until: day } },
        }))}
      />
      <Chart
        question={t(`costs.questions.door.${asked(measure)}`)}
        write={write}
        bars={ranked(summed(doors.data, "door", measure), (door) => ({
          name: doorName(door),
          ...(isKind(door) && { leads: { to: "/library", search: { kind: [door], since } } }),
        }))}
      />
      <Chart
        question={t(`costs.questions.engine.${asked(measure)}`)}
        write={write}
        bars={ranked(summed(engines.data, "engine", measure), (engine) => ({
          leads: { to: "/library", search: { engine, since } },
        }))}
      />
      <Chart
        question={t(`costs.questions.key.${asked(measure)}`)}
        write={write}
        bars={ranked(summed(byKey.data, "key", measure), (id) => ({
          name: keyName(id),
          ...(talking.has(id) && { leads: { to: "/turns", search: { key: id } } }),
        }))}
      />
      {me.spaces.length > 1 && (
        <Chart
          question={t(`costs.questions.space.${asked(measure)}`)}
          write={write}
          bars={ranked(summed(spaces.data, "space", measure), (id) => ({
            name: me.spaces.find((one) => one.id === id)?.name ?? id,
            // only the conversations of the space that one is in can be listed
            ...(id === space?.id && { leads: { to: "/library", search: { since } } }),
          }))}
        />
      )}
    </div>
  );
}

const isOther = (door: string): door is "search" | "ask" => door === "search" || door === "ask";

const isKind = (door: string): door is Kind => (kinds as readonly string[]).includes(door);
