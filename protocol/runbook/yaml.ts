/**
 * YAML as runbooks use it: mappings, lists and plain values. Aliases, tags and
 * merge keys are refused, and so is anything deep or huge, before it costs time.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument } from "yaml";
import type { IssueList, Position } from "./issues.ts";

const TOKENS_MAX = 100_000;
const DEPTH_MAX = 32;

export interface Yaml {
  /** Plain data without prototypes' names; undefined when it could not be read (told as an issue). */
  value: unknown;
  /** Where a path stands in the source: the nearest thing that was really written. */
  locate(path: readonly PropertyKey[]): Position;
}

type Place = (line: number, column: number) => Position;

/** @param place turns a line and column of the text (from 1) into those of the source. */
export function readYaml(text: string, place: Place, issues: IssueList): Yaml {
  const reader = new Reader(text, place, issues);
  const value = reader.read();
  return { value, locate: (path) => reader.locate(path) };
}

class Reader {
  readonly #text: string;
  readonly #place: Place;
  readonly #issues: IssueList;
  readonly #lines = new LineCounter();
  readonly #positions = new Map<string, Position>();

  constructor(text: string, place: Place, issues: IssueList) {
    this.#text = text;
    this.#place = place;
    this.#issues = issues;
  }

  read(): unknown {
    if (!this.#withinBudget()) {
      this.#issues.add(this.#place(1, 1), "this YAML is too large or too deeply nested; make it simpler");
      return undefined;
    }
    const document = parseDocument(this.#text, {
      version: "1.2",
      schema: "core",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
      lineCounter: this.#lines,
    });
    for (const error of document.errors) {
      this.#issues.add(this.#at(error.pos[0]), yamlSentence(error.code, error.message));
    }
    if (document.errors.length > 0) return undefined;
    return this.#plain(document.contents, []);
  }

  locate(path: readonly PropertyKey[]): Position {
    for (let length = path.length; length >= 0; length--) {
      const found = this.#positions.get(pathKey(path.slice(0, length)));
      if (found) return found;
    }
    return this.#place(1, 1);
  }

  /** Counts what the parser would have to build, with the part of it that costs least. */
  #withinBudget(): boolean {
    let tokens = 0;
    let depth = 0;
    for (const token of new Lexer().lex(this.#text)) {
      tokens += 1;
      if (token === "[" || token === "{") depth += 1;
      else if (token === "]" || token === "}") depth -= 1;
      if (tokens > TOKENS_MAX || depth > DEPTH_MAX) return false;
    }
    return true;
  }

  #plain(node: Node | null, path: PropertyKey[]): unknown {
    if (node === null) return null;
    const at = this.#at(node.range?.[0] ?? 0);
    if (!this.#positions.has(pathKey(path))) this.#positions.set(pathKey(path), at);
    if (path.length > DEPTH_MAX) return this.#refuse(at, "this is nested too deeply; make it simpler");
    if (isAlias(node)) return this.#refuse(at, "aliases (*name) are not supported; write the value out");
    if (node.anchor) return this.#refuse(at, "anchors (&name) are not supported; remove it");
    if (node.tag) return this.#refuse(at, `the tag ${node.tag.slice(0, 60)} is not supported; remove it`);
    if (isMap(node)) return this.#plainMap(node.items, path);
    if (isSeq(node)) {
      return node.items.map((item, index) => this.#plain(item as Node | null, [...path, index]));
    }
    return isScalar(node) ? node.value : null;
  }

  #plainMap(items: unknown[], path: PropertyKey[]): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const pair of items) {
      if (!isPair<Node, Node | null>(pair)) continue;
      const at = this.#at(pair.key.range?.[0] ?? 0);
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof key !== "string") {
        this.#refuse(at, "a key must be a text; put it in quotes");
      } else if (key === "__proto__") {
        this.#refuse(at, `"__proto__" cannot be a key; choose another name`);
      } else if (Object.hasOwn(object, key)) {
        this.#refuse(at, `"${key.slice(0, 60)}" stands here twice; remove one`);
      } else {
        this.#positions.set(pathKey([...path, key]), at);
        object[key] = this.#plain(pair.value, [...path, key]);
      }
    }
    return object;
  }

  #refuse(at: Position, message: string): undefined {
    this.#issues.add(at, message);
    return undefined;
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return this.#place(Math.max(1, line), Math.max(1, col));
  }
}

function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String));
}

/** The parser's own words, and for the mistakes people make most, what to do. */
function yamlSentence(code: string, message: string): string {
  const advice: Record<string, string> = {
    TAB_AS_INDENT: "indent with spaces, not with tabs",
    MISSING_CHAR: "close the quote or bracket, or put the whole value in quotes",
    BAD_SCALAR_START: "put the value in quotes",
    MULTIPLE_DOCS: "remove the line ---",
    BAD_INDENT: "line the keys up under each other",
    BLOCK_AS_IMPLICIT_KEY: 'put a value that holds ": " in quotes',
  };
  const first = message.split("\n")[0] ?? message;
  return `this is not valid YAML: ${first}; ${advice[code] ?? "check quotes, colons and indentation"}`;
}
