import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconFileImport } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { showFailure } from "../../ui/undo";
import { useImport } from "./hall";
import { useTitle } from "./kinds";

/** Brings in what was transcribed elsewhere. */
export function ImportButton() {
  const { t } = useTranslation();
  const title = useTitle();
  const space = useActiveSpace();
  const navigate = useNavigate();
  const bringIn = useImport(space?.id);
  const field = useRef<HTMLInputElement>(null);

  const take = async (files: readonly File[]) => {
    for (const file of files) {
      try {
        const made = await bringIn.mutateAsync(file);
        // Notices stand outside the router, so the way there is taken from here.
        const open = () => void navigate({ to: "/library/$id", params: { id: made.id } });
        notifications.show({
          withBorder: true,
          message: (
            <Button size="compact-sm" variant="subtle" onClick={open}>
              {t("library.imported", { title: title(made) })}
            </Button>
          ),
        });
      } catch (failure) {
        if (failure instanceof Error) showFailure(failure);
      }
    }
  };

  return (
    <>
      <Button
        leftSection={<IconFileImport size={18} aria-hidden="true" />}
        loading={bringIn.isPending}
        onClick={() => field.current?.click()}
      >
        {t("library.import")}
      </Button>
      <input
        ref={field}
        type="file"
        multiple
        hidden
        accept=".srt,.vtt,.json"
        aria-label={t("library.import")}
        onChange={(event) => {
          void take([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
