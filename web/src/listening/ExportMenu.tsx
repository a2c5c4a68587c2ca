import { ActionIcon, Button, Menu } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

export const formats = ["txt", "docx", "srt", "vtt", "md", "csv", "json"] as const;
export type Format = (typeof formats)[number];

interface ExportMenuProps {
  /** Where each format is downloaded from. */
  address: (format: Format) => string;
  label?: string;
  quiet?: boolean;
}

/** Takes a text away, in the form that is needed. */
export function ExportMenu({ address, label, quiet = false }: ExportMenuProps) {
  const { t } = useTranslation();
  const words = label ?? t("listen.download");
  const small = useMediaQuery("(max-width: 36em)", false, { getInitialValueInEffect: false });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        {small && !quiet ? (
          <ActionIcon size={36} aria-label={words}>
            <IconDownload size={18} />
          </ActionIcon>
        ) : (
          <Button variant={quiet ? "default" : "filled"} leftSection={<IconDownload size={18} aria-hidden="true" />}>
            {words}
          </Button>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        {formats.map((format) => (
          <Menu.Item key={format} component="a" href={address(format)} download>
            {t(`listen.formats.${format}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
