import { type Line, plainText } from "../../live";

const MOST_LETTERS = 56;

/** What a conversation is called until somebody names it: how it begins. */
export function beginning(lines: readonly Line[]): string {
  const text = plainText(lines).replace(/\s+/g, " ").trim();
  const begun = text.charAt(0).toLocaleUpperCase() + text.slice(1);
  if (begun.length <= MOST_LETTERS) return begun.replace(/[.,;:]$/, "");
  const cut = begun.slice(0, MOST_LETTERS);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), MOST_LETTERS / 2)).replace(/[.,;:]$/, "")}…`;
}
