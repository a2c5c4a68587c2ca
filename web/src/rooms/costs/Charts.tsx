import { Button } from "@mantine/core";
import { IconChevronRight, IconTable } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LibrarySearch } from "../library/filters";
import type { TurnsSearch } from "../turns/turns";
import classes from "./Costs.module.css";

export interface Bar {
  id: string;
  name: string;
  amount: number;
  /** What it counts, where that can be listed. */
  leads?: { to: "/library"; search: LibrarySearch } | { to: "/turns"; search: TurnsSearch };
}

interface ChartProps {
  /** What the chart answers. */
  question: string;
  bars: readonly Bar[];
  write: (amount: number) => string;
  /** Upright, one for each day, instead of lying below one another. */
  upright?: boolean;
}

/** A question, its answer as a picture, and the same as a table. */
export function Chart({ question, bars, write, upright = false }: ChartProps) {
  const { t } = useTranslation();
  const [table, setTable] = useState(false);
  const most = Math.max(...bars.map((bar) => bar.amount), 0);
  if (most === 0) return null;
  return (
    <figure className={classes.chart}>
      <figcaption className={classes.question}>
        <h2>{question}</h2>
        <Button
          size="compact-sm"
          variant="subtle"
          color="quiet"
          aria-pressed={table}
          leftSection={<IconTable size={16} aria-hidden="true" />}
          onClick={() => setTable(!table)}
        >
          {t("costs.table")}
        </Button>
      </figcaption>
      {table ? (
        <Table bars={upright ? bars.filter((bar) => bar.amount > 0) : bars} write={write} question={question} />
      ) : upright ? (
        <Columns bars={bars} most={most} write={write} />
      ) : (
        <Lines bars={bars} most={most} write={write} />
      )}
    </figure>
  );
}

interface PictureProps {
  bars: readonly Bar[];
  most: number;
  write: (amount: number) => string;
}

function Led({
  bar,
  className,
  label,
  children,
}: {
  bar: Bar;
  className?: string;
  label?: string;
  children: ReactNode;
}) {
  const name = { ...(className && { className }), ...(label && { "aria-label": label, title: label }) };
  // a label without a role is heard by nobody
  if (!bar.leads)
    return (
      <span {...name} {...(label && { role: "img" })}>
        {children}
      </span>
    );
  return (
    <Link {...bar.leads} {...name}>
      {children}
    </Link>
  );
}

function Lines({ bars, most, write }: PictureProps) {
  return (
    <ul className={classes.lines}>
      {bars.map((bar) => (
        <li key={bar.id}>
          <Led bar={bar} className={classes.line}>
            <span className={classes.lineName}>{bar.name}</span>
            <span className={classes.lineAmount}>
              {write(bar.amount)}
              {bar.leads && <IconChevronRight size={16} aria-hidden="true" />}
            </span>
            <span className={classes.lineBar} aria-hidden="true">
              <span style={{ width: `${(bar.amount / most) * 100}%` }} />
            </span>
          </Led>
        </li>
      ))}
    </ul>
  );
}

function Columns({ bars, most, write }: PictureProps) {
  const first = bars[0];
  const last = bars.at(-1);
  return (
    <div>
      <div className={classes.scale} aria-hidden="true">
        {write(most)}
      </div>
      <ol className={classes.columns} style={{ gridTemplateColumns: `repeat(${bars.length}, minmax(0, 1fr))` }}>
        {bars.map((bar) => (
          <li key={bar.id}>
            {bar.amount > 0 && (
              <Led bar={bar} className={classes.column ?? ""} label={`${bar.name}: ${write(bar.amount)}`}>
                <span style={{ height: `${Math.max(2, (bar.amount / most) * 100)}%` }} />
              </Led>
            )}
          </li>
        ))}
      </ol>
      <div className={classes.ends} aria-hidden="true">
        <span>{first?.name}</span>
        <span>{last?.name}</span>
      </div>
    </div>
  );
}

function Table({ bars, write, question }: { bars: readonly Bar[]; write: PictureProps["write"]; question: string }) {
  return (
    <table className={classes.table}>
      <caption className="visually-hidden">{question}</caption>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.id}>
            <th scope="row">
              <Led bar={bar}>{bar.name}</Led>
            </th>
            <td>{write(bar.amount)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
