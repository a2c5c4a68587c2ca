import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type Line, plainText } from "../../live";

/** Takes the confirmed words along. */
export function CopyWords({ lines }: { lines: readonly Line[] }) {
  const { t } = useTranslation();
  const text = plainText(lines);
  return (
    <CopyButton value={text} timeout={2500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("copy.done") : t("live.copy")}>
          <ActionIcon
            variant="subtle"
            color="quiet"
            size={40}
            disabled={text === ""}
            aria-label={copied ? t("copy.done") : t("live.copy")}
            onClick={copy}
          >
            {copied ? <IconCheck size={20} /> : <IconCopy size={20} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
