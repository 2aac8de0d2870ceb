/** Prose as a block holds it: whole lines, without the blank ones around them. */

/** A line with nothing on it but the marks of the quotes it stands in. */
const EMPTY_LINE = /^[ \t>]*$/;

/** The mark of a list item whose text was cut away with its fence. */
const LONE_MARK = /^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]*$/;

/** Takes off what surrounds the text; "" when there is none. */
export function cleanProse(text: string): string {
  const lines = text.split("\n");
  let start = 0;
  let end = lines.length;
  while (start < end && EMPTY_LINE.test(lines[start] ?? "")) start += 1;
  while (end > start && EMPTY_LINE.test(lines[end - 1] ?? "")) end -= 1;
  const kept = lines.slice(start, end);
  if (kept.length === 1 && LONE_MARK.test(kept[0] ?? "")) return "";
  return kept.join("\n").replace(/[ \t]+$/, "");
}

/** Takes the width of a list item off the lines that still belong to it. */
export function dedent(lines: string[], width: number): string[] {
  if (width === 0) return lines;
  const margin = " ".repeat(width);
  const outside = lines.findIndex((line) => line.trim() !== "" && !line.startsWith(margin));
  const inside = outside < 0 ? lines.length : outside;
  return lines.map((line, index) => (index < inside ? line.slice(width) : line));
}
