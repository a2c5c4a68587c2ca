/** The text nodes of a line: one, or several where words in it are marked. */
function* nodes(line: Element): Generator<Text> {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) yield walker.currentNode as Text;
}

/** A stretch of a line's text, counted in characters from its start. */
export function rangeOf(line: Element, from: number, to: number): Range | null {
  const range = document.createRange();
  let passed = 0;
  let begun = false;
  for (const node of nodes(line)) {
    const until = passed + node.length;
    if (!begun && from < until) {
      range.setStart(node, from - passed);
      begun = true;
    }
    if (begun && to <= until) {
      range.setEnd(node, to - passed);
      return range;
    }
    passed = until;
  }
  return null;
}

/** How many characters of a line's text are before a point on the screen. */
export function offsetAt(line: Element, x: number, y: number): number | null {
  const caret = "caretPositionFromPoint" in document ? document.caretPositionFromPoint(x, y) : null;
  if (!caret) return null;
  let passed = 0;
  for (const node of nodes(line)) {
    if (node === caret.offsetNode) return passed + caret.offset;
    passed += node.length;
  }
  return null;
}
