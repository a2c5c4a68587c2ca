import { IconArrowRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import classes from "./Analysis.module.css";
import { Cite } from "./Cite";
import type { Felt, Results } from "./understanding";

interface FeelingsProps {
  results: Results;
  onShow: (utterance: string) => void;
}

/** How it felt at the beginning and at the end, on either side of a middle. */
export function Feelings({ results, onShow }: FeelingsProps) {
  const { t } = useTranslation();
  const { initial_feeling: first, final_feeling: last } = results;
  if (!first && !last) return null;
  return (
    <section className={classes.block}>
      <h2 className={classes.title}>{t("library.analysis.feelings")}</h2>
      <div className={classes.feelings}>
        {first && <Feeling when={t("library.analysis.first")} felt={first} onShow={onShow} />}
        {first && last && <IconArrowRight size={18} aria-hidden="true" className={classes.arrow} />}
        {last && <Feeling when={t("library.analysis.last")} felt={last} onShow={onShow} />}
      </div>
    </section>
  );
}

interface FeelingProps {
  when: string;
  felt: Felt;
  onShow: (utterance: string) => void;
}

function Feeling({ when, felt, onShow }: FeelingProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const score = Math.max(-1, Math.min(1, felt.score));
  const evidence = felt.evidence?.[0];
  return (
    <div className={classes.feeling} data-feeling={felt.feeling}>
      <span className={classes.when}>{when}</span>
      <span className={classes.felt}>{t(`library.analysis.feeling.${felt.feeling}`)}</span>
      <span className={classes.gauge} role="img" aria-label={format.number(score, 1)} dir="ltr">
        <span
          style={score < 0 ? { right: "50%", width: `${-score * 50}%` } : { left: "50%", width: `${score * 50}%` }}
        />
      </span>
      {evidence && <Cite brief cited={{ ...evidence, speaker: null }} onShow={() => onShow(evidence.utterance_id)} />}
    </div>
  );
}
