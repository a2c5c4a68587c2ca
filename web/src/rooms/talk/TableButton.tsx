import { IconMicrophone, IconPlayerStopFilled } from "@tabler/icons-react";
import { type KeyboardEvent, useRef } from "react";
import { useLevel } from "../live/level";
import classes from "../live/TableButton.module.css";

const SEATS = [0, 72, -72, 144, -144];

interface TableButtonProps {
  label: string;
  /** Pressed while one speaks, or once to begin and once to end. */
  holds: boolean;
  running: boolean;
  busy: boolean;
  disabled: boolean;
  small: boolean;
  level: (() => number) | null;
  onDown: () => void;
  onUp: () => void;
}

/** The table of the mark, to be held while one speaks: its seats show how loud it is. */
export function TableButton(props: TableButtonProps) {
  const { label, holds, running, busy, disabled, small, level, onDown, onUp } = props;
  const ring = useRef<SVGSVGElement>(null);
  useLevel(ring, level);
  const Icon = running && !holds ? IconPlayerStopFilled : IconMicrophone;
  const isKey = (event: KeyboardEvent) => event.key === " " || event.key === "Enter";
  const holding = {
    onPointerDown: (event: React.PointerEvent<HTMLButtonElement>) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      onDown();
    },
    onPointerUp: onUp,
    onPointerCancel: onUp,
    onKeyDown: (event: KeyboardEvent) => {
      if (!isKey(event)) return;
      event.preventDefault();
      if (!event.repeat) onDown();
    },
    onKeyUp: (event: KeyboardEvent) => {
      if (!isKey(event)) return;
      event.preventDefault();
      onUp();
    },
    onContextMenu: (event: React.MouseEvent) => event.preventDefault(),
  };
  return (
    <button
      type="button"
      className={classes.button}
      style={{ touchAction: "none" }}
      data-size={small ? "small" : "large"}
      data-running={running || undefined}
      data-busy={busy || undefined}
      disabled={disabled}
      aria-label={label}
      aria-pressed={running}
      {...(disabled ? {} : holds ? holding : { onClick: running ? onUp : onDown })}
    >
      <svg ref={ring} viewBox="0 0 120 120" aria-hidden="true" focusable="false" className={classes.ring}>
        <circle cx="60" cy="60" r="40" className={classes.glow} />
        <circle cx="60" cy="60" r="38" className={classes.table} />
        {SEATS.map((turn, seat) => (
          <circle
            key={turn}
            data-seat={seat}
            cx="60"
            cy="60"
            r="53"
            pathLength="360"
            className={classes.seat}
            transform={`rotate(${-112 + turn} 60 60)`}
          />
        ))}
      </svg>
      <Icon className={classes.icon} stroke={1.75} aria-hidden="true" />
    </button>
  );
}
