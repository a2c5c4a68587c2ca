import { Button, CopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./Secret.module.css";

interface SecretProps {
  label: string;
  value: string;
}

/** A value that is shown to be copied: a key, a secret, a link. */
export function Secret({ label, value }: SecretProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.secret}>
      <span className={classes.label}>{label}</span>
      <div className={classes.row}>
        <output className={classes.value} aria-label={label}>
          {value}
        </output>
        <CopyButton value={value} timeout={2500}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              onClick={copy}
              leftSection={
                copied ? <IconCheck size={16} aria-hidden="true" /> : <IconCopy size={16} aria-hidden="true" />
              }
            >
              {copied ? t("copy.done") : t("copy.copy")}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}
