import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import {
  IconMaximize,
  IconMicrophone,
  IconMinimize,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconShare3,
  IconTextDecrease,
  IconTextIncrease,
} from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Bar } from "./Bar";
import { sized, sizes, useMicrophones, type Wishes } from "./choices";
import type { ConversationView } from "./conversation";
import { CopyWords } from "./CopyWords";
import classes from "./Live.module.css";
import { Notices } from "./Notices";
import { conversation, useSessionView } from "./room";
import { ShareItems } from "./Share";
import { TableButton } from "./TableButton";
import { useFullScreen } from "./useFullScreen";
import { Words } from "./Words";

interface RunningProps {
  view: ConversationView;
  wishes: Wishes;
  onChange: (part: Partial<Wishes>) => void;
}

const level = () => conversation.level();

/** The conversation while it is being said: the words, and little else. */
export function Running({ view, wishes, onChange }: RunningProps) {
  const { t } = useTranslation();
  const stage = useRef<HTMLElement>(null);
  const session = useSessionView(view.session);
  const full = useFullScreen(stage);
  const [ending, setEnding] = useState(false);
  usePauseKey(view.paused);
  const stop = () => {
    setEnding(true);
    void conversation.stop();
  };
  const toggle = () => (view.paused ? void conversation.resume() : conversation.pause());
  const heard = !view.paused && !ending;
  return (
    <section
      ref={stage}
      className={classes.stage}
      data-running
      data-full={full.on || undefined}
      aria-label={t("live.conversation")}
      style={sized(wishes.size)}
    >
      <div className={classes.head}>
        <Bar view={view} session={session} />
        <div className={classes.tools}>
          <Sizes size={wishes.size} onChange={(size) => onChange({ size })} />
          <CopyWords lines={session?.lines ?? []} />
          {view.session && <Share id={view.session.id} />}
          <Tool label={full.on ? t("live.leaveFull") : t("live.full")} onClick={full.toggle}>
            {full.on ? <IconMinimize size={20} /> : <IconMaximize size={20} />}
          </Tool>
        </div>
      </div>
      <Notices view={view} session={session} />
      <Words lines={session?.lines ?? []}>
        <p className={classes.speak}>{view.recording ? t("live.recordingNow") : t("live.speak")}</p>
      </Words>
      <div className={classes.dock}>
        <Button
          className={classes.dockSide}
          variant="default"
          size="md"
          disabled={ending}
          aria-keyshortcuts="Space"
          leftSection={
            view.paused ? (
              <IconPlayerPlayFilled size={18} aria-hidden="true" />
            ) : (
              <IconPlayerPauseFilled size={18} aria-hidden="true" />
            )
          }
          onClick={toggle}
        >
          {view.paused ? t("live.resume") : t("live.pause")}
        </Button>
        <TableButton
          size="small"
          running
          busy={ending}
          label={t("live.stop")}
          level={heard ? level : null}
          onClick={stop}
        />
        <Microphones asked={view.trouble} />
      </div>
    </section>
  );
}

interface ToolProps {
  label: string;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}

export function Tool({ label, disabled = false, onClick, children }: ToolProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="quiet" size={40} disabled={disabled} aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

export function Sizes({ size, onChange }: { size: number; onChange: (size: number) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Tool label={t("live.smaller")} disabled={size === 0} onClick={() => onChange(size - 1)}>
        <IconTextDecrease size={20} />
      </Tool>
      <Tool label={t("live.larger")} disabled={size === sizes.length - 1} onClick={() => onChange(size + 1)}>
        <IconTextIncrease size={20} />
      </Tool>
    </>
  );
}

function Share({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" width={280}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="quiet" size={40} aria-label={t("live.share")}>
          <IconShare3 size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <ShareItems id={id} />
      </Menu.Dropdown>
    </Menu>
  );
}

function Microphones({ asked }: { asked: unknown }) {
  const { t } = useTranslation();
  const found = useMicrophones(asked);
  const inUse = conversation.microphoneId;
  return (
    <Menu position="top-end">
      <Menu.Target>
        <Button className={classes.dockSide} variant="default" size="md" aria-label={t("live.microphone")}>
          <IconMicrophone size={18} aria-hidden="true" />
          <span className={classes.wide}>{t("live.microphone")}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.RadioGroup value={inUse ?? ""} onChange={(id) => void conversation.changeMicrophone(id)}>
          {found.map((one) => (
            <Menu.RadioItem key={one.id} value={one.id}>
              {one.label}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        {found.length === 0 && <Menu.Label>{t("live.noMicrophones")}</Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  );
}

const busy = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest("input, textarea, select, button, a, [role=menu], [role=dialog]") !== null;

/** Space pauses and goes on, from anywhere but a field or a button. */
function usePauseKey(paused: boolean): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return;
      event.preventDefault();
      if (paused) void conversation.resume();
      else conversation.pause();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [paused]);
}
