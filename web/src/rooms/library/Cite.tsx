import { useTranslation } from "react-i18next";
import { duration } from "../../i18n/format";
import { token } from "../../theme/theme";
import { hueOf } from "../../ui/Person";
import classes from "./Analysis.module.css";

interface CiteProps {
  cited: { start: number; quote: string; speaker?: string | null };
  /** Only the time, where the words themselves stand above. */
  brief?: boolean;
  /** Which conversation, where there are several. */
  title?: string;
  onShow: () => void;
}

/** Words that were really said; pressing leads to where. */
export function Cite({ cited, brief = false, title, onShow }: CiteProps) {
  const { t } = useTranslation();
  const time = duration(cited.start);
  return (
    <button type="button" className={classes.cite} title={t("library.showWhere")} onClick={onShow}>
      <span className={classes.citeTime}>{time}</span>
      {title && <span className={classes.citeTitle}>{title}</span>}
      {cited.speaker && <span style={{ color: token(hueOf(cited.speaker)) }}>{cited.speaker}</span>}
      <q className={brief ? "visually-hidden" : classes.quote}>{cited.quote}</q>
    </button>
  );
}
