import type { ReactNode } from "react";
import classes from "./Note.module.css";

interface NoteProps {
  tone: "warn" | "good";
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Said at once to those who hear the page, instead of when there is a pause. */
  assertive?: boolean;
}

/** Something to know about what is going on, in one line or two. */
export function Note({ tone, icon, title, children, action, assertive = false }: NoteProps) {
  return (
    <div role={assertive ? "alert" : "status"} className={classes.note} data-tone={tone}>
      <span className={classes.icon}>{icon}</span>
      <div className={classes.words}>
        <p className={classes.title}>{title}</p>
        {children && <p className={classes.more}>{children}</p>}
      </div>
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
