import { ActionIcon, NativeSelect, Slider } from "@mantine/core";
import { IconPlayerPauseFilled, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { duration } from "../i18n/format";
import classes from "./Listening.module.css";
import { type Player, rates } from "./usePlayer";
import { Waveform } from "./Waveform";

interface PlayerBarProps {
  src: string;
  player: Player;
  /** How loud each channel is over time, where that is known. */
  lanes?: readonly (readonly number[])[] | undefined;
}

/** The controls of listening, in reach while one reads. */
export function PlayerBar({ src, player, lanes }: PlayerBarProps) {
  const { t } = useTranslation();
  const { audio, attach, playing, seconds, length, toggle, seek } = player;
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
      {lanes && lanes.length > 0 ? (
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
