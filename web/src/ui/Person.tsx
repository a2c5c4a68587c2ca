import { SPEAKER_HUES, type Token, token } from "../theme/theme";
import classes from "./Person.module.css";

/** The same person has the same hue in every room. */
export function hueOf(identity: string): Token {
  let sum = 0;
  for (const letter of identity) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  return `speaker-${(sum % SPEAKER_HUES) + 1}` as Token;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => word?.[0]?.toUpperCase() ?? "").join("") || "·";
}

interface PersonProps {
  identity: string;
  name: string;
  size?: number;
  /** Where two voices of one conversation would share a hue. */
  hue?: Token;
}

export function Person({ identity, name, size = 36, hue = hueOf(identity) }: PersonProps) {
  return (
    <span
      aria-hidden="true"
      className={classes.person}
      style={{ width: size, height: size, color: token(hue), fontSize: size * 0.38 }}
    >
      {initials(name)}
    </span>
  );
}
