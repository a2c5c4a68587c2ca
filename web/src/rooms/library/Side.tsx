import { useTranslation } from "react-i18next";
import type { Paragraph } from "../../listening/paragraphs";
import classes from "./Conversation.module.css";
import type { View } from "./filters";
import type { Segment, Transcript } from "./hall";
import { Speakers } from "./Speakers";

interface SideProps {
  transcript: Transcript;
  segments: readonly Segment[];
  all: readonly Paragraph[];
  wide: boolean;
  view: Exclude<View, "text">;
  onView: (view: View) => void;
  /** Brings the segment of this utterance into view. */
  onShow: (utterance: string) => void;
}

/** What is understood of a conversation, beside its words. */
export function Side({ transcript, segments, all }: SideProps) {
  const { t } = useTranslation();
  return (
    <aside className={classes.side} aria-label={t("library.views.analysis")}>
      <Speakers transcript={transcript} segments={segments} all={all} />
    </aside>
  );
}
