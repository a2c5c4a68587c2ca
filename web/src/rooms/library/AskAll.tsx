import { Button, Modal } from "@mantine/core";
import { IconMessageQuestion } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { Ask } from "./Ask";
import type { LibrarySearch } from "./filters";
import { useAskAll } from "./understanding";

/** A question to every conversation that the filters leave. */
export function AskAll({ search }: { search: LibrarySearch }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const navigate = useNavigate();
  const ask = useAskAll(search, space?.id);
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconMessageQuestion size={18} aria-hidden="true" />}
        onClick={() => setOpened(true)}
      >
        {t("library.views.ask")}
      </Button>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        size="lg"
        title={t("library.ask.allTitle")}
        closeButtonProps={{ "aria-label": t("actions.close") }}
      >
        <Ask
          several
          ask={ask}
          label={t("library.ask.allLabel")}
          onShow={({ transcript_id: id, utterance_id: at }) =>
            void navigate({ to: "/library/$id", params: { id }, search: { at } })
          }
        />
      </Modal>
    </>
  );
}
