import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import { token } from "../../theme/theme";
import { List, Row } from "../../ui/List";
import { Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { useRemoval } from "../../ui/undo";
import { keysQuery } from "../settings/keys/keys";
import { ChangeBudget } from "./BudgetDialog";
import classes from "./Costs.module.css";
import { type Budget, budgetsQuery, useRemoveBudget } from "./usage";

/** What may be spent, and how much of it is. */
export function Budgets({ spaceId, may }: { spaceId: string | undefined; may: boolean }) {
  const { t } = useTranslation();
  const budgets = useQuery(budgetsQuery);
  const remove = useRemoveBudget();
  const removal = useRemoval((id) => remove.mutateAsync(id));
  const [changed, setChanged] = useState<Budget | null>(null);
  const here = (budgets.data?.items ?? []).filter((one) => one.space_id === spaceId && !removal.hidden.has(one.id));
  return (
    <Section title={t("costs.budgets")} lead={t("costs.budgetsLead")}>
      <ProblemNote failure={budgets.error} onRetry={() => void budgets.refetch()} />
      {budgets.isSuccess && here.length === 0 && <p className={classes.note}>{t("costs.noBudget")}</p>}
      {here.length > 0 && (
        <List label={t("costs.budgets")}>
          {here.map((budget) => (
            <BudgetRow
              key={budget.id}
              budget={budget}
              may={may}
              onChange={() => setChanged(budget)}
              onRemove={() => removal.remove(budget.id, t("costs.budgetRemoved"))}
            />
          ))}
        </List>
      )}
      {changed && <ChangeBudget budget={changed} onClose={() => setChanged(null)} />}
    </Section>
  );
}

interface BudgetRowProps {
  budget: Budget;
  may: boolean;
  onChange: () => void;
  onRemove: () => void;
}

function BudgetRow({ budget, may, onChange, onRemove }: BudgetRowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const keys = useQuery(keysQuery);
  const key = keys.data?.items.find((one) => one.id === budget.api_key_id)?.name;
  const amount = Number(budget.amount);
  const share = amount > 0 ? Number(budget.spent) / amount : 1;
  const facts = t("costs.spent", {
    spent: format.money(Number(budget.spent), budget.currency),
    amount: format.money(amount, budget.currency),
  });
  return (
    <Row
      name={
        <>
          {budget.api_key_id ? (key ?? t("costs.goneKey")) : t("costs.wholeSpace")}
          <span className={classes.period}>{t(`costs.periods.${budget.period}`)}</span>
        </>
      }
      facts={
        <>
          <span>{facts}</span>
          {budget.used_up && <span className={classes.usedUp}>{t("costs.usedUp")}</span>}
          <Progress
            className={classes.progress}
            size="sm"
            color={token(share >= 1 ? "bad" : share >= 0.8 ? "warn" : "accent")}
            value={Math.min(100, share * 100)}
            aria-label={facts}
          />
        </>
      }
      side={
        may && (
          <>
            <Button size="sm" variant="default" onClick={onChange}>
              {t("costs.change")}
            </Button>
            <Button size="sm" variant="subtle" color="quiet" onClick={onRemove}>
              {t("actions.remove")}
            </Button>
          </>
        )
      }
    />
  );
}
