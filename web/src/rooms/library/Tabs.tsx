import { useTranslation } from "react-i18next";
import classes from "./Conversation.module.css";
import type { View } from "./filters";

interface TabsProps {
  views: readonly View[];
  view: View;
  onView: (view: View) => void;
}

/** One thing at a time, where there is no room for all. */
export function Tabs({ views, view, onView }: TabsProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.tabs} role="group" aria-label={t("library.views.label")}>
      {views.map((one) => (
        <button key={one} type="button" aria-pressed={one === view} onClick={() => onView(one)}>
          {t(`library.views.${one}`)}
        </button>
      ))}
    </div>
  );
}
