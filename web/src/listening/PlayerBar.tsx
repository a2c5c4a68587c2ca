import { ActionIcon, NativeSelect, Slider, Tooltip } from "@mantine/core";
import { IconPlayerPauseFilled, IconPlayerPlayFilled, IconPlayerTrackNext } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../i18n/format";
import classes from "./Listening.module.css";
import { lanesOf } from "./lanes";
import type { Paragraph } from "./paragraphs";
import { useSilence } from "./silence";
import { type Player, rates } from "./usePlayer";
import { Waveform } from "./Waveform";

interface PlayerBarProps {
  src: string;
  player: Player;
  /** What is said in it: tells channels apart, and where nobody speaks. */
  all: readonly Paragraph[];
  /** How loud each channel is over time, where that is known. */
  levels?: readonly (readonly number[])[] | undefined;
}

/** The controls of listening, in reach while one reads. */
export function PlayerBar({ src, player, all, levels }: PlayerBarProps) {
  const { t } = useTranslation();
  const { audio, attach, playing, seconds, length, toggle, seek } = player;
  const lanes = useMemo(() => lanesOf(all, levels, length), [all, levels, length]);
  const silence = useSilence(player, all);
  return (
    <section className={classes.player} aria-label={t("listen.player")}>
      {/* The transcript beneath is the caption. */}
      <audio ref={attach} src={src} preload="metadata" />
      <ActionIcon
        size={44}
        radius="50%"
        aria-label={playing ? t("listen.pause") : t("listen.play")}
        aria-keyshortcuts="Space"
        onClick={toggle}
      >
        {playing ? <IconPlayerPauseFilled size={20} /> : <IconPlayerPlayFilled size={20} />}
      </ActionIcon>
      <span className={classes.clock}>{duration(seconds)}</span>
      {lanes.length > 0 ? (
        <Waveform player={player} lanes={lanes} />
      ) : (
        <Slider
          className={classes.slider}
          size="sm"
          min={0}
          max={Math.max(1, Math.floor(length))}
          value={seconds}
          label={duration}
          thumbLabel={t("listen.position")}
          onChange={seek}
        />
      )}
      <span className={classes.clock}>{duration(length)}</span>
      {silence.offered && (
        <Tooltip label={t("listen.skipSilence")}>
          <ActionIcon
            size={36}
            variant={silence.skips ? "light" : "subtle"}
            color={silence.skips ? undefined : "quiet"}
            aria-label={t("listen.skipSilence")}
            aria-pressed={silence.skips}
            onClick={silence.toggle}
          >
            <IconPlayerTrackNext size={18} />
          </ActionIcon>
        </Tooltip>
      )}
      <NativeSelect
        size="xs"
        aria-label={t("listen.speed")}
        defaultValue="1"
        data={rates.map((rate) => ({ value: rate, label: `${rate}×` }))}
        onChange={(event) => {
          if (audio) audio.playbackRate = Number(event.currentTarget.value);
        }}
      />
    </section>
  );
}
