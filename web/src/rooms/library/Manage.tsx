import { ActionIcon, Menu } from "@mantine/core";
import { IconDots, IconPencil, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Details } from "./Details";
import { Erase } from "./Erase";
import type { Transcript } from "./hall";

/** What is done to a whole conversation. */
export function Manage({ transcript }: { transcript: Transcript }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<"details" | "erase" | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t("library.manage")}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden="true" />} onClick={() => setOpened("details")}>
            {t("library.details.open")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="bad"
            leftSection={<IconTrash size={16} aria-hidden="true" />}
            onClick={() => setOpened("erase")}
          >
            {t("library.erase.open")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {opened === "details" && <Details transcript={transcript} onClose={close} />}
      {opened === "erase" && <Erase transcript={transcript} onClose={close} />}
    </>
  );
}
