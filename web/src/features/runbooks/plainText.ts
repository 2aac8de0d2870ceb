import type { Nodes } from "mdast";
import { htmlParts } from "./html.ts";
import { parseProse } from "./markdown.ts";

/** The first words of a piece of prose, without its Markdown: what a list shows of it. */
export function firstWords(markdown: string): string {
  const first = parseProse(markdown.slice(0, 2_000)).children.find((node) => textOf(node).trim() !== "");
  return first ? textOf(first).replace(/\s+/g, " ").trim().slice(0, 160) : "";
}

function textOf(node: Nodes): string {
  if (node.type === "html")
    return htmlParts(node.value)
      .map((part) => (typeof part === "string" ? part : part.text))
      .join("");
  if ("value" in node) return node.value;
  if ("children" in node) return node.children.map(textOf).join(node.type === "list" ? " " : "");
  return node.type === "break" ? " " : "";
}
