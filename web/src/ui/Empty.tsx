import type { ReactNode } from "react";
import classes from "./Empty.module.css";

interface EmptyProps {
  icon: ReactNode;
  title: string;
  /** What this place is for and what happens when the button is pressed. */
  children: ReactNode;
  action?: ReactNode;
}

/** An empty list that teaches, with one button. */
export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className={classes.empty}>
      <div className={classes.icon} aria-hidden="true">
        {icon}
      </div>
      <p className={classes.title}>{title}</p>
      <p className={classes.words}>{children}</p>
      {action}
    </div>
  );
}
