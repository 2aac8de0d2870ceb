/** Results for people. */
import { paint } from "../../scripts/lib/terminal.ts";
import type { Bound, Row, Spread, Unit } from "./results.ts";

const HEAD = ["measured", "Farhand", "p99", "beside", "median", "p99", "ratio", "p99", "aim", ""];

/** Columns in line; of rows that follow each other with the same measure, only the first says so. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row, index) => cellsOf(row, rows[index - 1]?.measure === row.measure));
  const all = [HEAD, ...cells];
  const widths = HEAD.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const lines = all.map((line) =>
    line.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  "),
  );
  return lines.map((line, index) => colour(line.trimEnd(), index === 0)).join("\n");
}

function cellsOf({ measure, unit, ours, against, ratio, aim }: Row, repeats: boolean): string[] {
  const theirs = against && (against.theirs ? spread(against.theirs, unit) : ["not installed", ""]);
  return [
    repeats ? "" : measure,
    ...(repeats ? ["", ""] : spread(ours, unit)),
    against?.contestant ?? "",
    ...(theirs ?? ["", ""]),
    ratio ? times(ratio.median) : "",
    ratio ? times(ratio.p99) : "",
    aim ? boundWords(aim.bound, ratio || against ? "×" : ` ${unit}`) : "",
    aim?.met === undefined ? "" : aim.met ? "met" : "NOT met",
  ];
}

function spread({ median, p99 }: Spread, unit: Unit): [string, string] {
  return [`${number(median)} ${unit}`, number(p99)];
}

function boundWords(bound: Bound, unit: string): string {
  return "atMost" in bound ? `≤ ${bound.atMost}${unit}` : `≥ ${bound.atLeast}${unit}`;
}

function times(ratio: number): string {
  return `${number(ratio)}×`;
}

/** Three digits that count. */
function number(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return String(Math.round(value));
  return value.toPrecision(3);
}

/** Words to the left, numbers to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 || column === 3 || column >= 8 ? cell.padEnd(width) : cell.padStart(width);
}

function colour(line: string, head: boolean): string {
  if (head) return paint("dim", line);
  if (line.endsWith("NOT met")) return line.slice(0, -7) + paint("red", "NOT met");
  return line.endsWith("met") ? line.slice(0, -3) + paint("green", "met") : line;
}
