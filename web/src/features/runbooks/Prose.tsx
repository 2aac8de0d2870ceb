import type { List, Nodes, Parent, Table } from "mdast";
import { Fragment, type ReactNode, useMemo } from "react";
import { CodeBox } from "../../components/CodeBox.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { type HtmlPart, htmlParts } from "./html.ts";
import { parseProse, safeUrl } from "./markdown.ts";

/** Markdown as elements: never as HTML, whatever is written in it. */
export function Prose({ markdown }: { markdown: string }) {
  const tree = useMemo(() => parseProse(markdown), [markdown]);
  return <div className="flex flex-col gap-3 leading-6 wrap-anywhere">{children(tree)}</div>;
}

function children(node: Parent): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
  return node.children.map((child, index) => <Fragment key={index}>{renderIn(node, child)}</Fragment>);
}

/** HTML between paragraphs is one, if it has any words. */
function renderIn({ type }: Parent, child: Nodes): ReactNode {
  if (child.type !== "html" || !["root", "blockquote", "listItem"].includes(type)) return render(child);
  const hasWords = htmlParts(child.value).some((part) => typeof part !== "string" || part.trim() !== "");
  return hasWords && <p>{renderHtml(child.value)}</p>;
}

const HEADING = "font-semibold tracking-tight text-balance";

function render(node: Nodes): ReactNode {
  switch (node.type) {
    case "text":
      return node.value;
    case "paragraph":
      return <p>{children(node)}</p>;
    case "heading":
      // The page's title is its only h1.
      if (node.depth <= 2) return <h2 className={`${HEADING} mt-3 text-base`}>{children(node)}</h2>;
      return <h3 className={`${HEADING} mt-2 text-[0.9375rem]`}>{children(node)}</h3>;
    case "emphasis":
      return <em>{children(node)}</em>;
    case "strong":
      return <strong className="font-semibold">{children(node)}</strong>;
    case "delete":
      return <del>{children(node)}</del>;
    case "inlineCode":
      return <code className="rounded bg-sunken px-1 py-0.5 font-mono text-[0.8125em]">{node.value}</code>;
    case "break":
      return <br />;
    case "link":
      return renderLink(node.url, children(node));
    case "image":
      // Pictures from elsewhere would tell their host who is reading.
      return renderLink(node.url, node.alt || node.url);
    case "code":
      return <CodeSample code={node.value} />;
    case "blockquote":
      return (
        <blockquote className="flex flex-col gap-3 border-l-2 border-line-strong pl-4 text-muted">
          {children(node)}
        </blockquote>
      );
    case "list":
      return renderList(node);
    case "table":
      return renderTable(node);
    case "thematicBreak":
      return <hr className="border-line" />;
    case "html":
      return renderHtml(node.value);
    default:
      return "children" in node ? children(node) : "value" in node ? node.value : null;
  }
}

/** The words of HTML, and links to its pictures. */
function renderHtml(html: string): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
  return htmlParts(html).map((part, index) => <Fragment key={index}>{htmlPart(part)}</Fragment>);
}

function htmlPart(part: HtmlPart): ReactNode {
  if (part === "\n") return <br />;
  return typeof part === "string" ? part : renderLink(part.url, part.text);
}

function renderLink(url: string, content: ReactNode): ReactNode {
  const href = safeUrl(url);
  if (!href) return <span title={url}>{content}</span>;
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      className="text-link underline underline-offset-2"
    >
      {content}
    </a>
  );
}

function renderList(list: List): ReactNode {
  const items = list.children.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
    <li key={index} className={typeof item.checked === "boolean" ? "-ml-5 flex list-none gap-2" : ""}>
      {typeof item.checked === "boolean" && (
        <input
          type="checkbox"
          checked={item.checked}
          readOnly
          aria-label="Task"
          className="mt-1 accent-accent"
        />
      )}
      <div className="flex min-w-0 flex-col gap-1.5">{children(item)}</div>
    </li>
  ));
  const look = "flex flex-col gap-1 pl-5";
  if (!list.ordered) return <ul className={`${look} list-disc`}>{items}</ul>;
  return (
    <ol start={list.start ?? 1} className={`${look} list-decimal`}>
      {items}
    </ol>
  );
}

function renderTable(table: Table): ReactNode {
  const [head, ...rows] = table.children;
  const cell = "border-b border-line px-3 py-1.5 text-left align-top";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is too wide has to scroll by keyboard
    <section className="overflow-x-auto rounded-md border border-line" tabIndex={0} aria-label="Table">
      <table className="w-full text-[0.8125rem]">
        <thead className="bg-sunken">
          <tr>
            {head?.children.map((each, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
              <th key={index} scope="col" className={`${cell} font-medium`}>
                {children(each)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
            <tr key={at}>
              {row.children.map((each, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the tree is rebuilt whole whenever the text changes
                <td key={index} className={cell}>
                  {children(each)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function CodeSample({ code }: { code: string }) {
  return (
    <div className="relative rounded-md border border-line bg-sunken">
      <p className="px-3 pt-1.5 text-xs text-muted">shown, not run</p>
      <CodeBox code={code} className="rounded-md bg-sunken py-2 pr-11" />
      <span className="absolute top-1 right-1">
        <CopyButton text={code} what="code" />
      </span>
    </div>
  );
}
