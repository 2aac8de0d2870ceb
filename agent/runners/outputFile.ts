/**
 * What a script hands on: lines of `name=value` in the file `$FARHAND_OUTPUT`,
 * or, for a value of many lines, `name<<END`, the lines, and `END` alone. The
 * last of two values of a name counts.
 */
import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { outputNameSchema } from "#protocol/blocks/common.ts";
import type { StepValues } from "#protocol/data.ts";
import { VALUES_MAX_BYTES } from "#protocol/limits.ts";
import { errorCode } from "../files.ts";

export interface ReadValues {
  values: StepValues;
  /** What was left out and why, in words for whoever wrote the script. */
  problems: string[];
}

/** Bytes of one problem that are shown; names may be anything. */
const SHOWN_MAX = 80;

/**
 * Reads the file after the script has ended. Never throws and never waits: the
 * script may have put anything in its place.
 * @param declared the names that count; all when absent
 */
export function readValues(path: string, declared?: readonly string[]): ReadValues {
  let bytes: Buffer;
  try {
    bytes = readSmallFile(path);
  } catch (error) {
    // A script that removes it hands nothing on.
    if (errorCode(error) === "ENOENT") return { values: {}, problems: [] };
    const why = error instanceof UnfitFile ? error.message : `cannot be read (${errorCode(error)})`;
    return { values: {}, problems: [`$FARHAND_OUTPUT ${why}; no values were taken from it`] };
  }
  if (!isUtf8(bytes)) {
    return {
      values: {},
      problems: ["what $FARHAND_OUTPUT holds is not UTF-8; no values were taken from it"],
    };
  }
  return parseValues(bytes.toString("utf8"), declared);
}

/** Reads the text of such a file. Pure. */
export function parseValues(text: string, declared?: readonly string[]): ReadValues {
  const values = new Map<string, string>();
  const problems: string[] = [];
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const put = (name: string, value: string): void => {
    if (!outputNameSchema.safeParse(name).success) {
      problems.push(`"${name.slice(0, SHOWN_MAX)}" in $FARHAND_OUTPUT is not a name for a value`);
    } else if (declared && !declared.includes(name)) {
      problems.push(`"${name}" was left out: it is not among the outputs of the block`);
    } else values.set(name, value);
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, name = "", sign, rest = ""] = /^(.*?)(=|<<)(.*)$/s.exec(line) ?? [];
    if (sign === "=") put(name, rest);
    else if (sign === "<<") {
      const end = rest === "" ? -1 : lines.indexOf(rest, at + 1);
      if (end < 0) {
        problems.push(`"${name.slice(0, SHOWN_MAX)}" in $FARHAND_OUTPUT has no line that ends it`);
        break;
      }
      put(name, lines.slice(at + 1, end).join("\n"));
      at = end;
    } else if (line.trim() !== "") {
      problems.push(`"${line.slice(0, SHOWN_MAX)}" in $FARHAND_OUTPUT is not name=value`);
    }
  }
  const taken = Object.fromEntries(values);
  if (Buffer.byteLength(JSON.stringify(taken)) <= VALUES_MAX_BYTES) return { values: taken, problems };
  return { values: {}, problems: [TOO_LARGE] };
}

const LIMIT_WORDS = `is over ${VALUES_MAX_BYTES / 1024} KiB`;
const TOO_LARGE = `what $FARHAND_OUTPUT holds ${LIMIT_WORDS} as JSON; no values were taken from it`;

class UnfitFile extends Error {}

function readSmallFile(path: string): Buffer {
  // Never a link, and never a pipe that waits for a writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new UnfitFile("is not a file any more");
    const buffer = Buffer.alloc(VALUES_MAX_BYTES + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < buffer.length; length += got) {
      got = readSync(fd, buffer, length, buffer.length - length, length);
    }
    if (length > VALUES_MAX_BYTES) throw new UnfitFile(LIMIT_WORDS);
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
