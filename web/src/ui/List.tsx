import type { ReactNode } from "react";
import classes from "./List.module.css";

export function List({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul className={classes.list} aria-label={label}>
      {children}
    </ul>
  );
}

interface RowProps {
  start?: ReactNode;
  name: ReactNode;
  facts?: ReactNode;
  side?: ReactNode;
  quiet?: boolean;
}

export function Row({ start, name, facts, side, quiet = false }: RowProps) {
  return (
    <li className={quiet ? `${classes.row} ${classes.gone}` : classes.row}>
      {start}
      <div className={classes.main}>
        <div className={classes.name}>{name}</div>
        {facts && <div className={classes.facts}>{facts}</div>}
      </div>
      {side && <div className={classes.side}>{side}</div>}
    </li>
  );
}

/** The search and filters above a list. */
export function Tools({ children }: { children: ReactNode }) {
  return <div className={classes.tools}>{children}</div>;
}
