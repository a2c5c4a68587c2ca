import { Button, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Dialog.module.css";
import { ProblemNote } from "./ProblemNote";

interface ConfirmProps {
  opened: boolean;
  title: string;
  /** What will be gone for good. */
  children: ReactNode;
  verb: string;
  busy: boolean;
  failure: Error | null;
  blocked?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** A question asked only before what cannot be taken back. */
export function Confirm({
  opened,
  title,
  children,
  verb,
  busy,
  failure,
  blocked = false,
  onConfirm,
  onClose,
}: ConfirmProps) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("actions.close") }}>
      <div className={classes.stack}>
        <div className={classes.words}>{children}</div>
        <ProblemNote failure={failure} />
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("actions.cancel")}
          </Button>
          <Button color="bad" loading={busy} disabled={blocked} onClick={onConfirm}>
            {verb}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
