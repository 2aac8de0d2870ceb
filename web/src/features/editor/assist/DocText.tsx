import { Fragment } from "react";
import { type DocPart, docParts } from "./docText.ts";

/** A sentence of the tables, with its code as code. */
export function DocText({ doc }: { doc: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence stay where they are
  return docParts(doc).map((part, index) => <Fragment key={index}>{partOf(part)}</Fragment>);
}

function partOf({ text, is }: DocPart) {
  if (is === "code") return <code className="rounded bg-sunken px-1 font-mono text-[0.9em]">{text}</code>;
  return is === "strong" ? <strong>{text}</strong> : text;
}
