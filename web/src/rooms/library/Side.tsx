import { useTranslation } from "react-i18next";
import type { Paragraph } from "../../listening/paragraphs";
import { Analysis } from "./Analysis";
import { Ask } from "./Ask";
import classes from "./Conversation.module.css";
import type { View } from "./filters";
import type { Segment, Transcript } from "./hall";
import { Speakers } from "./Speakers";
import { Tabs } from "./Tabs";
import { useAskOne } from "./understanding";
import { Versions } from "./Versions";

interface SideProps {
  transcript: Transcript;
  segments: readonly Segment[];
  all: readonly Paragraph[];
  /** Beside the text, with tabs of its own. */
  wide: boolean;
  view: Exclude<View, "text">;
  onView: (view: View) => void;
  /** Brings the segment of this utterance into view. */
  onShow: (utterance: string) => void;
  compared: number | null;
  onCompare: (number: number | null) => void;
}

/** What is understood of a conversation, beside its words. */
export function Side(props: SideProps) {
  const { transcript, segments, all, wide, view, onView, onShow, compared, onCompare } = props;
  const { t } = useTranslation();
  const ask = useAskOne(transcript.id);
  return (
    <aside className={classes.side} aria-label={t(`library.views.${view}`)}>
      {wide && <Tabs views={["analysis", "ask", "versions"]} view={view} onView={onView} />}
      {view === "analysis" && (
        <>
          <Speakers transcript={transcript} segments={segments} all={all} />
          <Analysis transcript={transcript} onShow={onShow} />
        </>
      )}
      {view === "ask" && (
        <Ask ask={ask} label={t("library.ask.label")} onShow={(citation) => onShow(citation.utterance_id)} />
      )}
      {view === "versions" && <Versions {...{ transcript, compared, onCompare }} />}
    </aside>
  );
}
