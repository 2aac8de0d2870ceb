/** HTML in prose as its words: tags go, pictures become links. Pure; nothing of it is ever put on a page as HTML. */
import { safeUrl } from "./markdown.ts";

/** Words, a line break, or a picture. */
export type HtmlPart = string | { url: string; text: string };

const TAG = /<!--(?:[^-]|-(?!->))*(?:-->|$)|<\/?([A-Za-z][\w-]*)((?:"[^"]*"|'[^']*'|[^<>"'])*)>/g;
const ATTRIBUTE = /(?<=\s)(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", "#39": "'" },
};

/** What is left of a piece of HTML without its tags. */
export function htmlParts(html: string): HtmlPart[] {
  const parts: HtmlPart[] = [];
  let at = 0;
  for (const match of html.matchAll(TAG)) {
    const [whole, name, attributes = ""] = match;
    parts.push(wordsOf(html.slice(at, match.index)));
    at = match.index + whole.length;
    if (/^br$/i.test(name ?? "")) parts.push("\n");
    if (/^img$/i.test(name ?? "")) parts.push(pictureOf(attributes));
  }
  parts.push(wordsOf(html.slice(at)));
  return parts.filter((part) => part !== "");
}

/** Pictures from elsewhere would tell their host who is reading: a link, or the words for it. */
function pictureOf(attributes: string): HtmlPart {
  const found = new Map<string, string>();
  for (const [, name = "", ...values] of attributes.matchAll(ATTRIBUTE)) {
    found.set(name.toLowerCase(), decoded(values.find((value) => value !== undefined) ?? ""));
  }
  const text = found.get("alt") ?? "";
  const url = safeUrl(found.get("src") ?? "");
  return url?.startsWith("http") ? { url, text: text || url } : text;
}

/** Line ends of HTML are spaces. */
function wordsOf(html: string): string {
  return decoded(html.replaceAll(/\s+/g, " "));
}

function decoded(text: string): string {
  return text.replaceAll(/&([a-z]+|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
