import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemNote } from "./ProblemNote";
import classes from "./undo.module.css";

const UNDO_MS = 6000;

export function showFailure(failure: Error): void {
  notifications.show({ message: <ProblemNote failure={failure} />, autoClose: false, withBorder: true });
}

/** Says what was done, with a way back for a while. */
export function useUndoNotice() {
  const { t } = useTranslation();
  return useCallback(
    (message: string, undo: () => void) => {
      const id = notifications.show({
        autoClose: UNDO_MS,
        withBorder: true,
        message: (
          <div className={classes.notice}>
            <span>{message}</span>
            <Button
              size="compact-sm"
              variant="subtle"
              onClick={() => {
                notifications.hide(id);
                undo();
              }}
            >
              {t("actions.undo")}
            </Button>
          </div>
        ),
      });
    },
    [t],
  );
}

/**
 * Removal that can be taken back: the row goes at once, the server is told when the notice has passed,
 * or when the person leaves the room, whichever comes first.
 */
export function useRemoval(commit: (id: string) => Promise<unknown>) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const latest = useRef(commit);
  latest.current = commit;
  const notice = useUndoNotice();

  const show = useCallback((id: string) => {
    setHidden((before) => new Set([...before].filter((other) => other !== id)));
  }, []);

  const finish = useCallback(
    (id: string) => {
      clearTimeout(waiting.current.get(id));
      if (!waiting.current.delete(id)) return;
      latest.current(id).catch((failure: Error) => {
        show(id);
        showFailure(failure);
      });
    },
    [show],
  );

  useEffect(() => {
    const timers = waiting.current;
    const finishAll = () => {
      for (const id of [...timers.keys()]) finish(id);
    };
    window.addEventListener("pagehide", finishAll);
    return () => {
      window.removeEventListener("pagehide", finishAll);
      finishAll();
    };
  }, [finish]);

  const remove = (id: string, message: string) => {
    setHidden((before) => new Set([...before, id]));
    waiting.current.set(
      id,
      setTimeout(() => finish(id), UNDO_MS),
    );
    notice(message, () => {
      clearTimeout(waiting.current.get(id));
      waiting.current.delete(id);
      show(id);
    });
  };

  return { hidden, remove };
}
