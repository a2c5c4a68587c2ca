import { token } from "../theme/theme";
import classes from "./Mark.module.css";

const SEATS = [
  "M11.9 4.09A12.6 12.6 0 0 1 20.1 4.09",
  "M26.06 8.42A12.6 12.6 0 0 1 28.6 16.22",
  "M26.32 23.23A12.6 12.6 0 0 1 19.68 28.05",
  "M12.32 28.05A12.6 12.6 0 0 1 5.68 23.23",
  "M3.4 16.22A12.6 12.6 0 0 1 5.94 8.42",
] as const;
const [SPEAKING, ...LISTENING] = SEATS;

/** The product's mark: a round table seen from above, five seats, one of them speaking. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="16" cy="16" r="7" fill={token("accent")} />
      <g fill="none" strokeWidth="3.6" strokeLinecap="round">
        <path d={SPEAKING} stroke={token("accent")} />
        <path d={LISTENING.join("")} stroke={token("ink")} />
      </g>
    </svg>
  );
}

/** The same table drawn large, where the word goes round. */
export function Table() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false" className={classes.table}>
      <circle cx="16" cy="16" r="7" fill={token("accent")} />
      {SEATS.map((seat) => (
        <path key={seat} d={seat} className={classes.seat} />
      ))}
    </svg>
  );
}
