import { IconMicrophone, IconPlayerStopFilled } from "@tabler/icons-react";
import { useRef } from "react";
import { useLevel } from "./level";
import classes from "./TableButton.module.css";

const SEATS = [0, 1, 2, 3, 4];

interface TableButtonProps {
  label: string;
  running: boolean;
  busy?: boolean;
  disabled?: boolean;
  size: "large" | "small";
  level: (() => number) | null;
  onClick: () => void;
}

/** The room's one button: the table of the mark, whose five seats show how loud it is. */
export function TableButton({
  label,
  running,
  busy = false,
  disabled = false,
  size,
  level,
  onClick,
}: TableButtonProps) {
  const ring = useRef<SVGSVGElement>(null);
  useLevel(ring, level);
  const Icon = running ? IconPlayerStopFilled : IconMicrophone;
  return (
    <button
      type="button"
      className={classes.button}
      data-size={size}
      data-running={running || undefined}
      data-busy={busy || undefined}
      disabled={disabled || busy}
      aria-label={label}
      aria-busy={busy || undefined}
      onClick={onClick}
    >
      <svg ref={ring} viewBox="0 0 120 120" aria-hidden="true" focusable="false" className={classes.ring}>
        <circle cx="60" cy="60" r="40" className={classes.glow} />
        <circle cx="60" cy="60" r="38" className={classes.table} />
        {/* Seen from above, the first seat at the top and the others round it by turns, so that loud means full. */}
        {SEATS.map((seat) => (
          <circle
            key={seat}
            data-seat={seat}
            cx="60"
            cy="60"
            r="53"
            pathLength="360"
            className={classes.seat}
            transform={`rotate(${-90 - 22 + [0, 72, -72, 144, -144][seat]!} 60 60)`}
          />
        ))}
      </svg>
      <Icon className={classes.icon} stroke={1.75} aria-hidden="true" />
    </button>
  );
}
