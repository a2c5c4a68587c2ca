import { Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Space } from "../../../api/types";
import { useSaid } from "../../../i18n/said";
import dialog from "../../../ui/Dialog.module.css";
import { ProblemNote } from "../../../ui/ProblemNote";
import { Secret } from "../../../ui/Secret";
import { written } from "../../../ui/written";
import forms from "../Form.module.css";
import { typesQuery, useCreateWebhook } from "./webhooks";

interface WebhookDialogProps {
  space: Space;
  opened: boolean;
  onClose: () => void;
}

/** Registers an address that hears of events, and shows its signing secret once. */
export function WebhookDialog({ space, opened, onClose }: WebhookDialogProps) {
  const { t } = useTranslation();
  const create = useCreateWebhook();
  const close = () => {
    onClose();
    create.reset();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={create.data ? t("webhooks.madeTitle") : t("webhooks.create")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
      closeOnClickOutside={!create.data}
    >
      {create.data ? (
        <div className={dialog.stack}>
          <p className={dialog.words}>{t("webhooks.onceWords")}</p>
          <Secret label={t("webhooks.secret")} value={create.data.secret} />
          <div className={dialog.buttons}>
            <Button onClick={close}>{t("actions.done")}</Button>
          </div>
        </div>
      ) : (
        <WebhookForm space={space} create={create} onClose={close} />
      )}
    </Modal>
  );
}

interface WebhookFormProps {
  space: Space;
  create: ReturnType<typeof useCreateWebhook>;
  onClose: () => void;
}

function WebhookForm({ space, create, onClose }: WebhookFormProps) {
  const { t } = useTranslation();
  const said = useSaid();
  const known = useQuery(typesQuery);
  const [types, setTypes] = useState<string[]>([]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const url = written(event)("url").trim();
    create.mutate({ url, types, space_id: space.id });
  };
  return (
    <form className={dialog.stack} onSubmit={submit}>
      <TextInput
        name="url"
        type="url"
        label={t("webhooks.url")}
        description={t("webhooks.urlWords", { space: space.name })}
        placeholder="https://example.org/hook"
        required
        data-autofocus
      />
      <ProblemNote failure={known.error} onRetry={() => void known.refetch()} />
      <Checkbox.Group
        label={t("webhooks.types")}
        description={t("webhooks.typesWords")}
        value={types}
        onChange={setTypes}
      >
        <div className={`${forms.checks} ${forms.below}`}>
          {(known.data ?? []).map((type) => (
            <Checkbox
              key={type.name}
              value={type.name}
              label={type.name}
              description={said("eventTypes", type.name, type.description)}
            />
          ))}
        </div>
      </Checkbox.Group>
      <ProblemNote failure={create.error} />
      <div className={dialog.buttons}>
        <Button variant="default" onClick={onClose}>
          {t("actions.cancel")}
        </Button>
        <Button type="submit" loading={create.isPending}>
          {t("webhooks.create")}
        </Button>
      </div>
    </form>
  );
}
