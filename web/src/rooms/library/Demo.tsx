import { Button } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { showFailure } from "../../ui/undo";
import { demoQuery, useMakeDemo, useRemoveDemo } from "./useDemo";
import classes from "./Library.module.css";

/** The offer of a few conversations to try everything on, where there are none. */
export function DemoOffer() {
  const { t } = useTranslation();
  const make = useMakeDemo();
  return (
    <Button
      leftSection={<IconSparkles size={18} aria-hidden="true" />}
      loading={make.isPending}
      onClick={() => make.mutate(undefined, { onError: showFailure })}
    >
      {t("library.demo.make")}
    </Button>
  );
}

/** Says that some conversations are made up, and takes them away. */
export function DemoNote() {
  const { t } = useTranslation();
  const demo = useQuery(demoQuery);
  const remove = useRemoveDemo();
  if (!demo.data || demo.data.conversations === 0) return null;
  return (
    <div className={classes.demo}>
      <p>{t("library.demo.there")}</p>
      <Button
        size="xs"
        variant="default"
        loading={remove.isPending}
        onClick={() => remove.mutate(undefined, { onError: showFailure })}
      >
        {t("library.demo.remove")}
      </Button>
    </div>
  );
}
