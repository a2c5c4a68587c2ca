import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import dialog from "../../../ui/Dialog.module.css";
import { ProblemNote } from "../../../ui/ProblemNote";
import { Secret } from "../../../ui/Secret";
import { useRotateSecret } from "./webhooks";

/** Gives a webhook a new signing secret and shows it once; for a day messages carry both signatures. */
export function NewSecret({ id }: { id: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const rotate = useRotateSecret();
  const close = () => {
    setOpened(false);
    rotate.reset();
  };
  return (
    <>
      <Button variant="default" onClick={() => setOpened(true)}>
        {t("webhooks.newSecret")}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={t("webhooks.newSecret")}
        closeButtonProps={{ "aria-label": t("actions.close") }}
        closeOnClickOutside={!rotate.data}
      >
        <div className={dialog.stack}>
          <p className={dialog.words}>{rotate.data ? t("webhooks.onceWords") : t("webhooks.newSecretWords")}</p>
          {rotate.data && <Secret label={t("webhooks.secret")} value={rotate.data.secret} />}
          <ProblemNote failure={rotate.error} />
          <div className={dialog.buttons}>
            {rotate.data ? (
              <Button onClick={close}>{t("actions.done")}</Button>
            ) : (
              <>
                <Button variant="default" onClick={close}>
                  {t("actions.cancel")}
                </Button>
                <Button loading={rotate.isPending} onClick={() => rotate.mutate(id)} data-autofocus>
                  {t("webhooks.makeSecret")}
                </Button>
              </>
            )}
          </div>
        </div>
      </Modal>
    </>
  );
}
