import { Button, Modal, Select, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Role, Space } from "../../../api/types";
import { useFormat } from "../../../i18n/format";
import dialog from "../../../ui/Dialog.module.css";
import { ProblemNote } from "../../../ui/ProblemNote";
import { Secret } from "../../../ui/Secret";
import { written } from "../../../ui/written";
import { invite, useSpaceChange } from "./spaces";

interface InviteDialogProps {
  space: Space;
  opened: boolean;
  onClose: () => void;
}

/** Makes a link that lets one person join a space with a role. */
export function InviteDialog({ space, opened, onClose }: InviteDialogProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [role, setRole] = useState<Role>("MEMBER");
  const making = useSpaceChange(invite);
  const roles: Role[] = space.role === "OWNER" ? ["MEMBER", "ADMIN", "OWNER"] : ["MEMBER", "ADMIN"];
  const close = () => {
    onClose();
    making.reset();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const email = written(event)("email").trim();
    making.mutate({ id: space.id, role, email: email || null });
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t("invite.title", { space: space.name })}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      {making.data ? (
        <div className={dialog.stack}>
          <p className={dialog.words}>{t("invite.ready", { date: format.date(making.data.expires_at) })}</p>
          <Secret label={t("invite.link")} value={making.data.link} />
          <div className={dialog.buttons}>
            <Button onClick={close}>{t("actions.done")}</Button>
          </div>
        </div>
      ) : (
        <form className={dialog.stack} onSubmit={submit}>
          <Select
            label={t("invite.role")}
            description={t(`roleWords.${role}`)}
            value={role}
            onChange={(value) => setRole(value ?? "MEMBER")}
            data={roles.map((name) => ({ value: name, label: t(`roles.${name}`) }))}
            data-autofocus
          />
          <TextInput name="email" type="email" label={t("invite.email")} description={t("invite.emailWords")} />
          <ProblemNote failure={making.error} />
          <div className={dialog.buttons}>
            <Button variant="default" onClick={close}>
              {t("actions.cancel")}
            </Button>
            <Button type="submit" loading={making.isPending}>
              {t("invite.make")}
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}
