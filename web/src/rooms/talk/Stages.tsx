import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import type { Usage } from "./asking";
import classes from "./Talk.module.css";

const stages = ["stt", "llm", "tts"] as const;

interface StagesProps {
  usage: Usage;
  /** What the longest bar beside it stands for; without it the bar takes all the room there is. */
  longest_ms?: number;
}

/** How long each stage of a turn took, as one bar, and who did it. */
export function Stages({ usage, longest_ms }: StagesProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = stages.filter((stage) => usage[`provider_${stage}`] !== "");
  const most = shown.reduce((sum, stage) => sum + usage[`${stage}_ms`], 0);
  const ms = (value: number) => `${format.number(value)} ms`;
  return (
    <div className={classes.stages}>
      <div
        className={classes.bar}
        aria-hidden="true"
        style={longest_ms ? { width: share(most, longest_ms) } : undefined}
      >
        {shown.map((stage) => (
          <span key={stage} data-stage={stage} style={{ flexGrow: Math.max(usage[`${stage}_ms`], most / 60, 1) }} />
        ))}
      </div>
      <dl className={classes.legend}>
        {shown.map((stage) => (
          <div key={stage} data-stage={stage}>
            <dt>{t(`talk.stages.${stage}`)}</dt>
            <dd>
              {ms(usage[`${stage}_ms`])} <span>{usage[`provider_${stage}`].replaceAll("|", " → ")}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>{t("turns.total")}</dt>
          <dd>{ms(usage.total_ms)}</dd>
        </div>
        {usage.first_sound_ms !== null && (
          <div>
            <dt>{t("talk.firstSound")}</dt>
            <dd>{ms(usage.first_sound_ms)}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

const share = (ms: number, longest: number) => `${Math.max(8, Math.min(100, (ms / longest) * 100))}%`;
