import { Button, Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { useFormat } from "../../i18n/format";
import { Confirm } from "../../ui/Confirm";
import dialogs from "../../ui/Dialog.module.css";
import classes from "./Conversation.module.css";
import type { Transcript } from "./hall";
import { useTitle } from "./kinds";

interface EraseProps {
  transcript: Transcript;
  onClose: () => void;
}

/** The end of a conversation and of everything made of it, and the receipt that stays. */
export function Erase({ transcript, onClose }: EraseProps) {
  const { t } = useTranslation();
  const title = useTitle();
  const format = useFormat();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const erase = useMutation({
    mutationFn: () => body(api.POST("/api/erasures/conversations", { body: { transcript_ids: [transcript.id] } })),
  });
  const receipt = erase.data?.items[0];
  const leave = async () => {
    await navigate({ to: "/library", replace: true });
    queryClient.removeQueries({ queryKey: ["hall", "one", transcript.id] });
    await queryClient.invalidateQueries({ queryKey: ["hall"] });
  };
  if (receipt) {
    return (
      <Modal opened onClose={() => void leave()} title={t("library.erase.done")} withCloseButton={false}>
        <div className={dialogs.stack}>
          <p className={dialogs.words}>{t("library.erase.receiptWords")}</p>
          <dl className={classes.receipt}>
            <dt>{t("library.erase.receipt")}</dt>
            <dd>
              <code>{receipt.id}</code>
            </dd>
            <dt>{t("library.erase.when")}</dt>
            <dd>{format.moment(receipt.erased_at)}</dd>
            <dt>{t("library.erase.count")}</dt>
            <dd>{format.number(Object.values(receipt.counts).reduce((sum, count) => sum + count, 0))}</dd>
          </dl>
          <div className={dialogs.buttons}>
            <Button onClick={() => void leave()} data-autofocus>
              {t("library.erase.leave")}
            </Button>
          </div>
        </div>
      </Modal>
    );
  }
  return (
    <Confirm
      opened
      title={t("library.erase.title", { title: title(transcript) })}
      verb={t("library.erase.verb")}
      busy={erase.isPending}
      failure={erase.error}
      onConfirm={() => erase.mutate()}
      onClose={onClose}
    >
      {t("library.erase.words")}
    </Confirm>
  );
}
