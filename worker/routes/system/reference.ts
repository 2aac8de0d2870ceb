/** The API reference at `/docs`: one page, rendered from the OpenAPI document, without any script. */
import { html } from "hono/html";
import type { openApiDocument } from "./document.ts";
import { curlOf } from "./example.ts";
import { FIRST_CALLS, INTRODUCTION } from "./introduction.ts";

type ApiDocument = ReturnType<typeof openApiDocument>;

interface Entry {
  id: string;
  method: string;
  path: string;
  tag: string;
  operation: ApiOperation;
}

interface ApiOperation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: unknown;
  requestBody?: unknown;
  responses?: Record<string, unknown>;
  deprecated?: boolean;
}

const METHODS = ["get", "post", "put", "delete"] as const;

/** Stands last: whoever begins here has no use for them. */
const LAST_TAG = "Aliases";

export function referencePage(document: ApiDocument) {
  const groups = [...Map.groupBy(entriesOf(document), (entry) => entry.tag)];
  const byTag = groups.sort(([one], [other]) => Number(one === LAST_TAG) - Number(other === LAST_TAG));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title}</title>
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<nav><h1>${document.info.title}</h1>
<ul><li><a href="#first-calls">The first calls</a></li><li><a href="/api/v1/openapi.json">openapi.json</a></li></ul>
${byTag.map(
  ([tag, entries]) => html`<h2>${tag}</h2>
<ul>${entries.map((entry) => html`<li><a href="#${entry.id}">${entry.tag === LAST_TAG ? entry.path : entry.operation.summary}</a></li>`)}</ul>`,
)}</nav>
<main>${INTRODUCTION.map((part) => html`<p>${prose(part)}</p>`)}
<h2 id="first-calls">The first calls</h2>
<ol>${FIRST_CALLS.map(({ title, command }) => html`<li>${title}<pre class="call">${command}</pre></li>`)}</ol>
${byTag.map(([tag, entries]) => html`<h2>${tag}</h2>${entries.map(section)}`)}
<h2>Schemas</h2>${Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) => html`<section id="${schemaId(name)}"><h3>${name}</h3>${json(schema)}</section>`,
  )}</main>
</body>
</html>`;
}

function section({ id, method, path, operation }: Entry) {
  return html`<section id="${id}">
<h3>${operation.summary}</h3>
<p class="address"><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code></p>
${(operation.description ?? "").split("\n\n").map((part) => part && html`<p>${prose(part)}</p>`)}
${example(method, path, operation)}
${details("Parameters", operation.parameters)}
${details("Body", operation.requestBody)}
${Object.entries(operation.responses ?? {}).map(([status, response]) =>
  Number(status) < 400
    ? details(status, response)
    : html`<p class="refusal"><b>${status}</b>${describe(response)}</p>`,
)}
</section>`;
}

/** Aliases have that of what they stand for, and a WebSocket is nothing for curl. */
function example(method: string, path: string, operation: ApiOperation) {
  const isForCurl = !operation.deprecated && !operation.summary?.includes("WebSocket");
  const command = isForCurl && curlOf(method.toUpperCase(), path, operation);
  return command ? html`<pre class="call">${command}</pre>` : "";
}

/** Text with what stands in backticks as code. */
function prose(text: string) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

function details(title: string, value: unknown) {
  if (value === undefined) return "";
  return html`<details><summary>${title}${describe(value)}</summary>${json(value)}</details>`;
}

/** A schema that is named by another is a link to it. */
function json(value: unknown) {
  const parts = JSON.stringify(value, null, 2).split(/"#\/components\/schemas\/(\w+)"/);
  return html`<pre>${parts.map((part, index) =>
    index % 2 === 1 ? html`<a href="#${schemaId(part)}">${part}</a>` : part,
  )}</pre>`;
}

function schemaId(name: string): string {
  return `schema-${name}`;
}

function describe(value: unknown): string {
  const has = typeof value === "object" && value !== null && "description" in value;
  return has && typeof value.description === "string" ? `: ${value.description}` : "";
}

function entriesOf(document: ApiDocument): Entry[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const id = `${method}${path.replaceAll(/[^a-zA-Z0-9]+/g, "-")}`;
      return [{ id, method, path, tag: operation.tags?.[0] ?? "Other", operation }];
    }),
  );
}

export const REFERENCE_CSS = `:root { color-scheme: light dark; --line: #8884; --soft: #8881 }
* { box-sizing: border-box }
body { margin: 0; background: Canvas; color: CanvasText; overflow-wrap: anywhere; font: 15px/1.6 system-ui, sans-serif; display: grid; grid-template-columns: 20rem minmax(0, 1fr) }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem; border-right: 1px solid var(--line) }
main { padding: 1.5rem 2.5rem 6rem; max-width: 60rem }
h1 { font-size: 1.1rem; margin: 0 } h2 { font-size: .95rem; margin: 2rem 0 .25rem } h3 { margin: 0 }
ul { list-style: none; margin: 0; padding: 0 } a { color: inherit; text-decoration-color: var(--line) }
section { padding: 1.5rem 0; border-top: 1px solid var(--line); scroll-margin-top: 1rem }
code, pre { font: 13px/1.5 ui-monospace, monospace }
.address b { display: inline-block; min-width: 4.2rem; font: 600 12px ui-monospace, monospace }
.refusal { margin: 0; padding: 0 .75rem; opacity: .75 }
.get { color: light-dark(#0a7d4f, #4cc38a) } .post { color: light-dark(#1667c7, #70b8ff) }
.put { color: light-dark(#8a5e00, #ffca5c) } .delete { color: light-dark(#c02b3d, #ff9592) }
code { background: var(--soft); border-radius: 4px; padding: .1em .3em } .address code { background: none }
ol { padding-left: 1.2rem } ol li { margin: .75rem 0 }
pre.call { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0 }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; background: var(--soft) }
summary { cursor: pointer; padding: .35rem .75rem } pre { margin: 0; padding: .75rem; overflow: auto }
details pre { border-top: 1px solid var(--line) } pre a { font-weight: 600 }
@media (max-width: 800px) { body { display: block } nav { position: static; height: auto } main { padding: 1rem } }
`;
