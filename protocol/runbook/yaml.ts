/**
 * YAML as runbooks use it: mappings, lists and plain values. Aliases, tags and
 * merge keys are refused, and so is anything deep or huge, before it costs time.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument } from "yaml";
import type { IssueList, Position } from "./issues.ts";
import { type Origin, originAt, toldAt } from "./origin.ts";

const TOKENS_MAX = 100_000;

/** How deep lists and sets of keys may lie in each other: what a document allows inside of a block. */
const DEPTH_MAX = 30;
const TOO_DEEP = "this is nested too deeply; make it simpler";

export interface Yaml {
  /** Plain data without prototypes' names; undefined when it could not be read (told as an issue). */
  value: unknown;
  origin: Origin;
}

type Place = (line: number, column: number) => Position;

/** @param place turns a line and column of the text (from 1) into those of the source. */
export function readYaml(text: string, place: Place, issues: IssueList): Yaml {
  return new Reader(text, place, issues).read();
}

class Reader {
  readonly #text: string;
  readonly #place: Place;
  readonly #issues: IssueList;
  readonly #lines = new LineCounter();

  constructor(text: string, place: Place, issues: IssueList) {
    this.#text = text;
    this.#place = place;
    this.#issues = issues;
  }

  read(): Yaml {
    const start = this.#place(1, 1);
    if (!this.#withinBudget()) {
      return this.#refuse(start, "this YAML is too large or too deeply nested; make it simpler");
    }
    const document = parseDocument(this.#text, {
      version: "1.2",
      schema: "core",
      uniqueKeys: false,
      prettyErrors: false,
      // Not `silent`, which would leave out what follows the first of several documents.
      logLevel: "error",
      lineCounter: this.#lines,
    });
    if (document.errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
      return this.#refuse(start, TOO_DEEP);
    }
    for (const error of document.errors) {
      this.#issues.add(this.#at(error.pos[0]), yamlSentence(error.code, error.message));
    }
    if (document.errors.length > 0) return { value: undefined, origin: toldAt(start) };
    return this.#plain(document.contents, start, 0);
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

  /** @param at where the key of this node stands, or where it begins */
  #plain(node: Node | null, at: Position | undefined, depth: number): Yaml {
    if (node === null) return { value: null, origin: originAt(at ?? this.#place(1, 1)) };
    const start = this.#at(node.range?.[0] ?? 0);
    const origin = originAt(at ?? start);
    if (isAlias(node)) return this.#refuse(start, "aliases (*name) are not supported; write the value out");
    if (node.anchor) return this.#refuse(start, "anchors (&name) are not supported; remove it");
    if (node.tag) return this.#refuse(start, `the tag ${node.tag.slice(0, 60)} is not supported; remove it`);
    if (isScalar(node)) return { value: node.value, origin };
    if (depth >= DEPTH_MAX) return this.#refuse(start, TOO_DEEP);
    if (isMap(node)) return this.#plainMap(node.items, origin, depth);
    return isSeq(node) ? this.#plainList(node.items, origin, depth) : { value: null, origin };
  }

  #plainList(items: unknown[], origin: Origin, depth: number): Yaml {
    const read = items.map((item) => this.#plain(item as Node | null, undefined, depth + 1));
    const parts = new Map(read.map((each, index) => [String(index), each.origin]));
    return { value: read.map((each) => each.value), origin: { ...origin, parts } };
  }

  #plainMap(items: unknown[], origin: Origin, depth: number): Yaml {
    const object: Record<string, unknown> = {};
    const parts = new Map<string, Origin>();
    for (const pair of items) {
      if (!isPair<Node, Node | null>(pair)) continue;
      const at = this.#at(pair.key.range?.[0] ?? 0);
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof key !== "string") {
        this.#refuse(at, "a key must be a text; put it in quotes");
      } else if (key === "__proto__") {
        this.#refuse(at, `"__proto__" cannot be a key; choose another name`);
      } else if (parts.has(key)) {
        this.#refuse(at, `"${key.slice(0, 60)}" stands here twice; remove one`);
      } else {
        const read = this.#plain(pair.value, at, depth + 1);
        parts.set(key, read.origin);
        object[key] = read.value;
      }
    }
    return { value: object, origin: { ...origin, parts } };
  }

  /** Nothing that can be used, and the reason told. */
  #refuse(at: Position, message: string): Yaml {
    this.#issues.add(at, message);
    return { value: undefined, origin: toldAt(at) };
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return this.#place(Math.max(1, line), Math.max(1, col));
  }
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
