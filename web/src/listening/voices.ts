import { hueOf } from "../ui/Person";
import { SPEAKER_HUES, type Token } from "../theme/theme";

interface Speaking {
  voice: string | null;
  person: string | null;
  channel: number | null;
}

/** Who speaks: the person where known, else the name, else the channel. */
export const identityOf = (one: Speaking): string =>
  one.person ?? one.voice ?? (one.channel === null ? "" : `channel ${one.channel}`);

const hueNumber = (hue: Token) => Number(hue.replace("speaker-", ""));

/**
 * A hue for each voice of one conversation. A person has the same one everywhere; a voice that is only a name steps
 * aside where two would share one.
 */
export function huesOf(all: readonly Speaking[]): ReadonlyMap<string, Token> {
  const persons = new Map<string, boolean>();
  for (const one of all) persons.set(identityOf(one), one.person !== null);
  const hues = new Map<string, Token>();
  const taken = new Set<number>();
  const firstKnown = [...persons].sort((a, b) => Number(b[1]) - Number(a[1]));
  for (const [identity, known] of firstKnown) {
    let number = hueNumber(hueOf(identity));
    for (let step = 0; !known && taken.has(number) && step < SPEAKER_HUES; step += 1) {
      number = (number % SPEAKER_HUES) + 1;
    }
    taken.add(number);
    hues.set(identity, `speaker-${number}` as Token);
  }
  return hues;
}
