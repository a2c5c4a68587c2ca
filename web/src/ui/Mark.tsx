import { token } from "../theme/theme";

const SPEAKING = "M11.9 4.09A12.6 12.6 0 0 1 20.1 4.09";
const LISTENING =
  "M26.06 8.42A12.6 12.6 0 0 1 28.6 16.22M26.32 23.23A12.6 12.6 0 0 1 19.68 28.05M12.32 28.05A12.6 12.6 0 0 1 5.68 23.23M3.4 16.22A12.6 12.6 0 0 1 5.94 8.42";

/** The product's mark: a round table seen from above, five seats, one of them speaking. */
export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="16" cy="16" r="7" fill={token("accent")} />
      <g fill="none" strokeWidth="3.6" strokeLinecap="round">
        <path d={SPEAKING} stroke={token("accent")} />
        <path d={LISTENING} stroke={token("ink")} />
      </g>
    </svg>
  );
}
