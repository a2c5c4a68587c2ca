import { Menu } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDeviceTv, IconLink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { problemOf, server } from "./room";
import { showFailure } from "../../ui/undo";

export const captionsAddress = (id: string, token?: string) =>
  `${location.origin}/captions/${id}${token ? `#${token}` : ""}`;

/** Captions for others: on another screen of one's own, or by a link for somebody without an account. */
export function ShareItems({ id }: { id: string }) {
  const { t } = useTranslation();
  const copyLink = async () => {
    try {
      const token = await server.token(id, "listener");
      await navigator.clipboard.writeText(captionsAddress(id, token));
      notifications.show({ message: t("live.linkCopied"), withBorder: true });
    } catch (failure) {
      showFailure(problemOf(failure instanceof Error ? failure : new Error(String(failure))) as Error);
    }
  };
  return (
    <>
      <Menu.Item
        component="a"
        href={captionsAddress(id)}
        target="_blank"
        leftSection={<IconDeviceTv size={18} aria-hidden="true" />}
      >
        {t("live.secondScreen")}
      </Menu.Item>
      <Menu.Item leftSection={<IconLink size={18} aria-hidden="true" />} onClick={() => void copyLink()}>
        {t("live.guestLink")}
      </Menu.Item>
    </>
  );
}
