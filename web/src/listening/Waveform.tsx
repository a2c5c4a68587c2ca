import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../i18n/format";
import { type Token, token } from "../theme/theme";
import type { Lane, Stretch } from "./lanes";
import classes from "./Listening.module.css";
import type { Player } from "./usePlayer";

const BARS = 320;
const LANE = 100;

interface WaveformProps {
  player: Player;
  /** One lane, or one for each channel. */
  lanes: readonly Lane[];
}

/** The sound as a picture that one can press; what has been heard is filled. */
export function Waveform({ player, lanes }: WaveformProps) {
  const { t } = useTranslation();
  const { audio, playing, seconds, length, seek } = player;
  const heard = useRef<SVGSVGElement>(null);
  const paths = useMemo(() => lanes.flatMap((lane, index) => bars(lane, index * LANE)), [lanes]);

  useEffect(() => {
    let frame = 0;
    const show = () => {
      const share = length > 0 ? (audio?.currentTime ?? 0) / length : 0;
      if (heard.current) heard.current.style.clipPath = `inset(0 ${100 - share * 100}% 0 0)`;
      if (playing) frame = requestAnimationFrame(show);
    };
    show();
    return () => cancelAnimationFrame(frame);
  }, [audio, playing, seconds, length]);

  const box = `0 0 ${BARS} ${LANE * lanes.length}`;
  return (
    <div className={classes.wave} data-lanes={lanes.length} dir="ltr">
      <svg viewBox={box} preserveAspectRatio="none" aria-hidden="true">
        {paths.map(({ key, path, hue }) => (
          <path key={key} d={path} style={hue && { fill: token(hue), fillOpacity: 0.45 }} />
        ))}
      </svg>
      <svg ref={heard} viewBox={box} preserveAspectRatio="none" aria-hidden="true" className={classes.waveHeard}>
        {paths.map(({ key, path, hue }) => (
          <path key={key} d={path} style={hue && { fill: token(hue) }} />
        ))}
      </svg>
      <input
        type="range"
        min={0}
        max={Math.max(1, Math.floor(length))}
        value={seconds}
        aria-label={t("listen.position")}
        aria-valuetext={duration(seconds)}
        onChange={(event) => seek(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

interface Bars {
  key: string;
  hue: Token | undefined;
  path: string;
}

/** One lane as upright bars around its middle, those of one hue together. */
function bars({ levels, stretches }: Lane, top: number): Bars[] {
  const count = Math.min(BARS, Math.max(1, levels.length));
  const width = BARS / count;
  const paths = new Map<Token | undefined, string>();
  const hueAt = hues(stretches);
  for (let bar = 0; bar < count; bar += 1) {
    const from = Math.floor((bar * levels.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * levels.length) / count));
    let loudest = 0;
    for (let index = from; index < to; index += 1) loudest = Math.max(loudest, levels[index] ?? 0);
    const height = Math.max(3, Math.min(1, loudest) * (LANE - 8));
    const left = (bar * width + width * 0.18).toFixed(2);
    const drawn = `M${left} ${(top + (LANE - height) / 2).toFixed(1)}h${(width * 0.64).toFixed(2)}v${height.toFixed(1)}h-${(width * 0.64).toFixed(2)}z`;
    const hue = hueAt((bar + 0.5) / count);
    paths.set(hue, (paths.get(hue) ?? "") + drawn);
  }
  return [...paths].map(([hue, path]) => ({ key: `${top} ${hue}`, hue, path }));
}

/** Whose hue a place has: whoever speaks there or nearest to it; places are asked for from left to right. */
function hues(stretches: readonly Stretch[]): (share: number) => Token | undefined {
  let next = 0;
  return (share) => {
    while (next < stretches.length - 1 && (stretches[next]?.to ?? 1) < share) next += 1;
    const here = stretches[next];
    const before = stretches[next - 1];
    if (here && before && share - before.to < here.from - share) return before.hue;
    return here?.hue;
  };
}
