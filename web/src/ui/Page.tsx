import { type ReactNode, useEffect } from "react";
import classes from "./Page.module.css";

interface PageProps {
  title: string;
  /** One plain sentence under the title. */
  lead?: ReactNode;
  /** The one main action of the room, always at the same place. */
  action?: ReactNode;
  above?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Tertulia`;
  }, [title]);
}

export function Page({ title, lead, action, above, wide = false, children }: PageProps) {
  usePageTitle(title);
  return (
    <div className={classes.page} data-wide={wide || undefined}>
      {above}
      <header className={classes.head}>
        <h1 className={classes.title}>{title}</h1>
        {lead && <p className={classes.lead}>{lead}</p>}
        {action && <div className={classes.action}>{action}</div>}
      </header>
      {children}
    </div>
  );
}

interface SectionProps {
  title: string;
  lead?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

export function Section({ title, lead, action, children }: SectionProps) {
  return (
    <section className={classes.section}>
      <header className={classes.sectionHead}>
        <div className={classes.words}>
          <h2 className={classes.sectionTitle}>{title}</h2>
          {lead && <p className={classes.lead}>{lead}</p>}
        </div>
        {action}
      </header>
      {children}
    </section>
  );
}
