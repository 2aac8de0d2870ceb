/**
 * The ways in which a secret shows up in output: as it is, and as the usual
 * encodings make it look (promise S8). What a program makes of it by any other
 * means, such as `rev`, is not among them and cannot be.
 */
import { isUtf8 } from "node:buffer";
import { SECRET_MIN_BYTES } from "#protocol/secrets.ts";
import { ESC, sequenceEnd } from "./sequences.ts";

export interface Form {
  /** The secret that it is a form of. */
  name: string;
  /** Without carriage returns and terminal sequences: these count for nothing wherever they stand. */
  bytes: Uint8Array;
  /** Programs break it into lines at any place: line breaks count for nothing either. */
  wraps: boolean;
}

/** Shorter secrets, and shorter lines of long ones, would take innocent text out of the output. */
export const REDACT_MIN_BYTES = SECRET_MIN_BYTES;

/** How much of a form has to stand there in one piece before a line break may interrupt it. */
export const GRAM_BYTES = 4;

/** Lines of longer values are looked for as text, and not in base64 and hex as well. */
const ENCODED_LINES_MAX_BYTES = 16 * 1024;

/** Every form of a secret, each once. */
export function formsOf(name: string, value: Uint8Array): Form[] {
  const whole = Buffer.from(value);
  const lines = linesOf(whole);
  const encoded = whole.length <= ENCODED_LINES_MAX_BYTES ? [whole, ...lines] : [whole];
  const texts = [whole, ...lines].flatMap(textForms);
  const codes = encoded.flatMap((part) => [...base64Forms(part), ...hexForms(part)]);
  const found = new Map<string, Form>();
  const add = (form: string, wraps: boolean) => {
    const bytes = squeezed(form);
    const key = bytes.toString("latin1");
    if (bytes.length >= REDACT_MIN_BYTES && !found.get(key)?.wraps) found.set(key, { name, bytes, wraps });
  };
  for (const text of texts) add(text, false);
  for (const code of codes) add(code, true);
  return [...found.values()];
}

/** Bytes as they are compared. Begins where the first few bytes stand in one line. */
function squeezed(form: string): Buffer {
  let start = 0;
  for (;;) {
    const head = form.slice(start, start + GRAM_BYTES);
    const cut = Math.max(head.lastIndexOf("\n"), head.lastIndexOf("\r"));
    if (cut < 0) break;
    start += cut + 1;
  }
  const bytes = Buffer.from(form.slice(start).replaceAll("\r", ""), "latin1");
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(ESC); at >= 0; at = bytes.indexOf(ESC, at + 1)) {
    const end = sequenceEnd(bytes, at, bytes.length);
    if (at < from || end < 0) continue;
    kept.push(bytes.subarray(from, at));
    from = end;
  }
  return Buffer.concat([...kept, bytes.subarray(from)]);
}

/** The lines of a value that has several, without the space around them. */
function linesOf(value: Buffer): Buffer[] {
  const lines = value.toString("latin1").split(/\r\n|\n|\r/);
  if (lines.length === 1) return [];
  return lines
    .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((line) => line.length >= REDACT_MIN_BYTES)
    .map((line) => Buffer.from(line, "latin1"));
}

/** Here and below, a string has one character for each byte. */
function textForms(value: Buffer): string[] {
  const raw = value.toString("latin1");
  return [raw, ...urlForms(value), ...shellForms(raw), ...htmlForms(raw), ...jsonForms(value)];
}

/** What the encoders of JavaScript, Python, RFC 3986 and HTML forms leave as it is, besides letters and digits. */
const URL_SAFE = ["-_.!~*'()", "-_.~", "-_.~/", "-_.*+"];

function urlForms(value: Buffer): string[] {
  return URL_SAFE.flatMap((safe) => {
    const encode = (upper: boolean) =>
      Array.from(value, (byte) => {
        const character = String.fromCharCode(byte);
        if (/[A-Za-z0-9]/.test(character) || safe.replace("+", "").includes(character)) return character;
        if (character === " " && safe.includes("+")) return "+";
        const hex = byte.toString(16).padStart(2, "0");
        return `%${upper ? hex.toUpperCase() : hex}`;
      }).join("");
    return [encode(true), encode(false)];
  });
}

function shellForms(raw: string): string[] {
  return [
    // Within single quotes, as `set -x` and Python's shlex write them.
    raw.replaceAll("'", "'\\''"),
    raw.replaceAll("'", `'"'"'`),
    // Within double quotes.
    raw.replaceAll(/[$`"\\]/g, "\\$&"),
    raw.replaceAll(/[$`"\\!]/g, "\\$&"),
    // `printf %q`, without and with what it leaves alone in some shells.
    raw.replaceAll(/[^A-Za-z0-9_@%+=:,./\n\x80-\xff-]/g, "\\$&"),
    raw.replaceAll(/[^A-Za-z0-9_@%+=:./\n\x80-\xff-]/g, "\\$&"),
    // Within $'…'.
    Array.from(raw, (each) => ansiC(each, true)).join(""),
    Array.from(raw, (each) => ansiC(each, false)).join(""),
  ];
}

const ANSI_C: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  "\x07": "\\a",
  "\b": "\\b",
  "\x1b": "\\E",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function ansiC(character: string, withHighBytes: boolean): string {
  const code = character.charCodeAt(0);
  const known = ANSI_C[character];
  if (known !== undefined) return known;
  const isOdd = code < 0x20 || code === 0x7f || (withHighBytes && code > 0x7f);
  return isOdd ? `\\${code.toString(8).padStart(3, "0")}` : character;
}

/** How quotes and apostrophes are written, where they are. */
const HTML_QUOTES = [
  ['"', "'"],
  ["&quot;", "'"],
  ["&quot;", "&#39;"],
  ["&quot;", "&#x27;"],
  ["&quot;", "&#039;"],
  ["&quot;", "&apos;"],
  ["&#34;", "&#39;"],
] as const;

function htmlForms(raw: string): string[] {
  const ampersands = raw.replaceAll("&", "&amp;");
  const opening = ampersands.replaceAll("<", "&lt;");
  const both = opening.replaceAll(">", "&gt;");
  return [ampersands, opening, both].flatMap((escaped) =>
    HTML_QUOTES.map(([double, single]) => escaped.replaceAll('"', double).replaceAll("'", single)),
  );
}

/** Within the quotes of JSON, as its various writers escape it. */
function jsonForms(value: Buffer): string[] {
  if (!isUtf8(value)) return [];
  const plain = JSON.stringify(value.toString("utf8")).slice(1, -1);
  const slashes = (text: string) => text.replaceAll("/", "\\/");
  const ascii = (text: string, upper: boolean) =>
    text.replaceAll(/[\x7f-\uffff]/g, (each) => unicode(each, upper));
  const forMarkup = (text: string, upper: boolean) =>
    text.replaceAll(/[<>&'\u2028\u2029]/g, (each) => unicode(each, upper));
  const forms = [plain, slashes(plain)];
  for (const upper of [false, true]) {
    forms.push(ascii(plain, upper), slashes(ascii(plain, upper)));
    forms.push(forMarkup(plain, upper), ascii(forMarkup(plain, upper), upper));
    forms.push(
      forMarkup(plain, upper)
        .replaceAll("\\u0027", "'")
        .replaceAll('\\"', upper ? "\\u0022" : '\\"'),
    );
  }
  return forms.map((form) => Buffer.from(form, "utf8").toString("latin1"));
}

function unicode(character: string, upper: boolean): string {
  const hex = character.charCodeAt(0).toString(16).padStart(4, "0");
  return `\\u${upper ? hex.toUpperCase() : hex}`;
}

function hexForms(value: Buffer): string[] {
  const hex = value.toString("hex");
  return [hex, hex.toUpperCase()];
}

/**
 * What the secret alone decides of its base64, wherever in a text it stands:
 * at three offsets, and up to the end of the text where it ends with it. The
 * character at either edge that its neighbour decides as well stays, and with
 * it up to four bits of the secret's first and last byte.
 */
function base64Forms(value: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const code = Buffer.concat([Buffer.alloc(offset), value]).toString("base64");
    const first = Math.ceil((offset * 8) / 6);
    const decided = code.slice(first, Math.floor(((offset + value.length) * 8) / 6));
    const atTheEnd = code.slice(first);
    const forms = [decided, atTheEnd.replace(/=+$/, ""), atTheEnd];
    return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
  });
}
