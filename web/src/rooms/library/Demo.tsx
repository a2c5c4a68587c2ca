import { Button, Progress } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { token } from "../../theme/theme";
import { showFailure } from "../../ui/undo";
import classes from "./Library.module.css";
import { demoQuery, isComing, useMakeDemo, useRemoveDemo } from "./useDemo";

/** The offer of a few conversations to try everything on, where there are none. */
export function DemoOffer() {
  const { t } = useTranslation();
  const make = useMakeDemo();
  const demo = useQuery(demoQuery);
  return (
    <Button
      leftSection={<IconSparkles size={18} aria-hidden="true" />}
      loading={make.isPending || isComing(demo.data)}
      onClick={() => make.mutate(undefined, { onError: showFailure })}
    >
      {t("library.demo.make")}
    </Button>
  );
}

/** Says that some conversations are made up, and takes them away. */
export function DemoNote() {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const demo = useQuery(demoQuery);
  const remove = useRemoveDemo();
  const count = demo.data?.conversations ?? 0;
  const coming = isComing(demo.data);

  // Each that has come belongs into the lists at once.
  const counted = useRef(count);
  useEffect(() => {
    if (coming || counted.current < count) void queryClient.invalidateQueries({ queryKey: ["hall"] });
    counted.current = count;
  }, [count, coming, queryClient]);

  if (!demo.data || (count === 0 && !coming)) return null;
  return (
    <div className={classes.demo} role="status">
      <p>{coming ? t("library.demo.making", { count, of: demo.data.of }) : t("library.demo.there")}</p>
      {coming ? (
        <Progress
          className={classes.demoProgress}
          size="sm"
          color={token("accent")}
          value={Math.max(4, (count / demo.data.of) * 100)}
          aria-label={t("library.demo.progress")}
        />
      ) : (
        <Button
          size="xs"
          variant="default"
          loading={remove.isPending}
          onClick={() => remove.mutate(undefined, { onError: showFailure })}
        >
          {t("library.demo.remove")}
        </Button>
      )}
    </div>
  );
}
