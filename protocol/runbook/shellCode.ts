/**
 * A shell script without what a shell takes as it stands: comments, here-documents,
 * single quotes and, of double ones, angle brackets are blanked out, so that
 * every character keeps its place. It is for hints to people: what it takes for
 * code may be none where quotes lie in each other.
 */
export function shellCode(script: string): string {
  const parts: string[] = [];
  /** Lines that end the here-documents which begin with the next line. */
  let ends: string[] = [];
  let at = 0;
  while (at < script.length) {
    TOKEN.lastIndex = at;
    const [token = script.charAt(at)] = TOKEN.exec(script) ?? [];
    at += token.length;
    if (token === "\n" && ends.length > 0) {
      const length = hereDocuments(script.slice(at), ends);
      parts.push("\n", blank(script.slice(at, at + length)));
      at += length;
      ends = [];
    } else if (/^<<(?!<)/.test(token)) {
      ends.push(token.replace(/^<<-?[ \t]*/, "").replaceAll(/['"\\]/g, ""));
      parts.push(blank(token));
    } else if (token.startsWith('"')) {
      // Brackets in a text are text; where a line of it begins, no command does.
      parts.push(token.replaceAll(/[<>]/g, " ").replaceAll(/(?<=\n)[^\S\n]*\S/g, blank));
    } else {
      parts.push(/^(?:'|#.)/.test(token) ? blank(token) : token);
    }
  }
  return parts.join("");
}

/** An escape, a quote, a comment, the beginning of a here-document, or a run of anything else. */
const TOKEN =
  /\\.|'[^']*(?:'|$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|$)|(?<=^|[\s;&|(])#[^\n]*|<<<|<<-?[ \t]*(?:'[^'\n]+'|"[^"\n]+"|\\?[A-Za-z_][\w.-]*)|\n|[^\\'"#<\n]+/sy;

/** How long the here-documents are at the beginning of a text. */
function hereDocuments(text: string, ends: readonly string[]): number {
  let at = 0;
  for (const end of ends) {
    for (let isOpen = true; isOpen && at < text.length; ) {
      const next = text.indexOf("\n", at);
      const line = text.slice(at, next < 0 ? text.length : next);
      isOpen = line.trim() !== end;
      at = next < 0 ? text.length : next + 1;
    }
  }
  return at;
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
