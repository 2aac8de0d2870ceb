/** The little Markdown of the tables' sentences, as parts of one line. Pure. */

export interface DocPart {
  text: string;
  is: "words" | "code" | "strong";
}

const MARKUP = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]+\)/g;

/** A link is its words: it would lead away from what is being written. */
export function docParts(doc: string): DocPart[] {
  const parts: DocPart[] = [];
  let end = 0;
  for (const match of doc.matchAll(MARKUP)) {
    const [whole, code, strong, link = ""] = match;
    parts.push({ text: doc.slice(end, match.index), is: "words" });
    if (code !== undefined) parts.push({ text: code, is: "code" });
    else if (strong !== undefined) parts.push({ text: strong, is: "strong" });
    else parts.push({ text: link, is: "words" });
    end = match.index + whole.length;
  }
  parts.push({ text: doc.slice(end), is: "words" });
  return parts.filter(({ text }) => text !== "");
}

/** Without any markup, for what is read aloud. */
export function plainDoc(doc: string): string {
  return docParts(doc)
    .map(({ text }) => text)
    .join("");
}
