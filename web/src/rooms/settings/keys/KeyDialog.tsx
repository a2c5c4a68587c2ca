import { Button, Checkbox, Modal, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/session";
import { useSaid } from "../../../i18n/said";
import dialog from "../../../ui/Dialog.module.css";
import { ProblemNote } from "../../../ui/ProblemNote";
import { Secret } from "../../../ui/Secret";
import { written } from "../../../ui/written";
import forms from "../Form.module.css";
import { scopesQuery, useCreateKey } from "./keys";

const lifetimes = ["30", "90", "365", "never"] as const;
const DAY_MS = 86_400_000;
const EVERY_SPACE = "every";

interface KeyDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Makes a key and shows it once. */
export function KeyDialog({ opened, onClose }: KeyDialogProps) {
  const { t } = useTranslation();
  const create = useCreateKey();
  const close = () => {
    onClose();
    create.reset();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={create.data ? t("keys.madeTitle") : t("keys.create")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
      closeOnClickOutside={!create.data}
    >
      {create.data ? (
        <div className={dialog.stack}>
          <p className={dialog.words}>{t("keys.onceWords")}</p>
          <Secret label={t("keys.key")} value={create.data.key} />
          <div className={dialog.buttons}>
            <Button onClick={close}>{t("actions.done")}</Button>
          </div>
        </div>
      ) : (
        <KeyForm create={create} onClose={close} />
      )}
    </Modal>
  );
}

function KeyForm({ create, onClose }: { create: ReturnType<typeof useCreateKey>; onClose: () => void }) {
  const { t } = useTranslation();
  const { spaces } = useMe();
  const said = useSaid();
  const known = useQuery(scopesQuery);
  const [scopes, setScopes] = useState<string[]>([]);
  const [space, setSpace] = useState(EVERY_SPACE);
  const [days, setDays] = useState<string>("90");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    create.mutate({
      name: written(event)("name").trim(),
      scopes,
      space_id: space === EVERY_SPACE ? null : space,
      expires_at: days === "never" ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString(),
    });
  };
  return (
    <form className={dialog.stack} onSubmit={submit}>
      <TextInput
        name="name"
        label={t("keys.name")}
        description={t("keys.nameWords")}
        required
        maxLength={120}
        data-autofocus
      />
      <ProblemNote failure={known.error} onRetry={() => void known.refetch()} />
      <Checkbox.Group label={t("keys.scopes")} description={t("keys.scopesWords")} value={scopes} onChange={setScopes}>
        <div className={`${forms.checks} ${forms.below}`}>
          {(known.data ?? []).map((scope) => (
            <Checkbox
              key={scope.name}
              value={scope.name}
              label={scope.name}
              description={said("scopes", scope.name, scope.description)}
            />
          ))}
        </div>
      </Checkbox.Group>
      <div className={forms.pair}>
        <Select
          label={t("keys.space")}
          value={space}
          onChange={(value) => setSpace(value ?? EVERY_SPACE)}
          data={[
            { value: EVERY_SPACE, label: t("keys.everySpace") },
            ...spaces.map((one) => ({ value: one.id, label: one.name })),
          ]}
        />
        <Select
          label={t("keys.expires")}
          value={days}
          onChange={(value) => setDays(value ?? "90")}
          data={lifetimes.map((choice) => ({ value: choice, label: t(`keys.lifetimes.${choice}`) }))}
        />
      </div>
      <ProblemNote failure={create.error} />
      <div className={dialog.buttons}>
        <Button variant="default" onClick={onClose}>
          {t("actions.cancel")}
        </Button>
        <Button type="submit" loading={create.isPending} disabled={scopes.length === 0}>
          {t("keys.create")}
        </Button>
      </div>
    </form>
  );
}
