import { Button, Modal, Select, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import dialogs from "../../ui/Dialog.module.css";
import { ProblemNote } from "../../ui/ProblemNote";
import { written } from "../../ui/written";
import { keysQuery } from "../settings/keys/keys";
import { type Budget, pricesQuery, useChangeBudget, useSetBudget } from "./usage";

const EVERYTHING = "everything";
const periods = ["month", "day"] as const;

/** Sets how much may be spent. */
export function NewBudget({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setOpened(true)}>
        {t("costs.setBudget")}
      </Button>
      {opened && <SetBudget spaceId={spaceId} onClose={() => setOpened(false)} />}
    </>
  );
}

/** An amount as people write it, with a point or a comma. */
const asAmount = (typed: string) => typed.trim().replace(",", ".");

function SetBudget({ spaceId, onClose }: { spaceId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const set = useSetBudget();
  const keys = useQuery(keysQuery);
  const [key, setKey] = useState(EVERYTHING);
  const [period, setPeriod] = useState<(typeof periods)[number]>("month");
  const mine = (keys.data?.items ?? []).filter((one) => one.space_id === spaceId || one.space_id === null);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("costs.setBudget")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form
        className={dialogs.stack}
        onSubmit={(event) => {
          const field = written(event);
          const budget = { space_id: spaceId, period, amount: asAmount(field("amount")) };
          set.mutate({ ...budget, api_key_id: key === EVERYTHING ? null : key }, { onSuccess: onClose });
        }}
      >
        <p className={dialogs.words}>{t("costs.budgetWords")}</p>
        <Amount />
        <Select
          label={t("costs.period")}
          value={period}
          onChange={(value) => setPeriod(periods.find((one) => one === value) ?? "month")}
          data={periods.map((one) => ({ value: one, label: t(`costs.periods.${one}`) }))}
        />
        <Select
          label={t("costs.whose")}
          value={key}
          onChange={(value) => setKey(value ?? EVERYTHING)}
          data={[
            { value: EVERYTHING, label: t("costs.wholeSpace") },
            ...mine.map((one) => ({ value: one.id, label: one.name })),
          ]}
        />
        <ProblemNote failure={set.error} />
        <Buttons busy={set.isPending} onClose={onClose} />
      </form>
    </Modal>
  );
}

export function ChangeBudget({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChangeBudget();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("costs.changeBudget")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form
        className={dialogs.stack}
        onSubmit={(event) => {
          const amount = asAmount(written(event)("amount"));
          change.mutate({ id: budget.id, amount }, { onSuccess: onClose });
        }}
      >
        <Amount before={String(Number(budget.amount))} />
        <ProblemNote failure={change.error} />
        <Buttons busy={change.isPending} onClose={onClose} />
      </form>
    </Modal>
  );
}

function Amount({ before = "" }: { before?: string }) {
  const { t } = useTranslation();
  const prices = useQuery(pricesQuery);
  return (
    <TextInput
      required
      name="amount"
      inputMode="decimal"
      label={t("costs.amount")}
      defaultValue={before}
      rightSection={<span className={dialogs.words}>{prices.data?.currency}</span>}
      rightSectionWidth={56}
      data-autofocus
    />
  );
}

function Buttons({ busy, onClose }: { busy: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={dialogs.buttons}>
      <Button variant="default" onClick={onClose}>
        {t("actions.cancel")}
      </Button>
      <Button type="submit" loading={busy}>
        {t("actions.save")}
      </Button>
    </div>
  );
}
