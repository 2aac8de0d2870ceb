/** Completion and documentation in the source editor. What there is to say comes from the tables of the format. */
import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  pickedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { type EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap, showTooltip, type Tooltip } from "@codemirror/view";
import { docParts, plainDoc } from "./docText.ts";
import { findSite } from "./findSite.ts";
import { besideOrBelow } from "./look.ts";
import { docOf, type Option, optionsAt } from "./options.ts";

export function assist(): Extension {
  return [
    autocompletion({
      override: [complete],
      icons: false,
      // Who types fast chooses fast: Enter means the option that is in view.
      interactionDelay: 0,
      positionInfo: besideOrBelow,
    }),
    hoverTooltip((view, offset) => docTooltip(view.state, offset)),
    askedDoc,
    keymap.of([
      { key: "F1", run: showDoc, preventDefault: true },
      { key: "Escape", run: hideDoc },
    ]),
  ];
}

function complete({ state, pos, explicit }: CompletionContext): CompletionResult | null {
  const site = findSite(state.doc.toString(), pos);
  if (!site || (!explicit && isQuiet(state, site.from, site.is))) return null;
  const options = optionsAt(site);
  const typed = state.sliceDoc(site.from, site.to);
  const left = options.filter(({ label }) => label.startsWith(typed));
  // What is written out already is not offered: Enter ends the line then.
  const isDone = left.length === 1 && left[0]?.label === typed;
  if (options.length === 0 || (isDone && !explicit)) return null;
  return {
    from: site.from,
    to: site.to,
    options: options.map(completionOf),
    validFor: (text) => /^[\w-]*$/.test(text) && !options.some(({ label }) => label === text),
  };
}

/** An empty line, or a fence's own end: nothing is offered before somebody asks. */
function isQuiet({ doc, selection }: EditorState, from: number, is: string): boolean {
  if (from < selection.main.head) return false;
  const { text, from: start } = doc.lineAt(from);
  return is === "word" && text.slice(0, from - start).trim() === "";
}

function completionOf({ label, doc, isRequired, text, cursor, goesOn }: Option, index: number): Completion {
  const apply = (view: EditorView, completion: Completion, from: number, to: number) => {
    view.dispatch({
      changes: { from, to, insert: text },
      selection: { anchor: from + cursor },
      userEvent: "input.complete",
      annotations: pickedCompletion.of(completion),
      scrollIntoView: true,
    });
    if (goesOn) startCompletion(view);
  };
  return {
    label,
    ...(isRequired && { detail: "needed" }),
    // Of two that match what is typed alike, the one that the table has first.
    boost: 99 - Math.min(index, 190),
    info: () => docElement(doc),
    apply,
  };
}

function docElement(doc: string, title?: string): HTMLElement {
  const element = document.createElement("div");
  element.className = "cm-doc";
  if (title !== undefined) {
    const heading = element.appendChild(document.createElement("strong"));
    heading.textContent = title;
  }
  const line = element.appendChild(document.createElement("p"));
  for (const { text, is } of docParts(doc)) {
    const tag = { words: "span", code: "code", strong: "strong" }[is];
    line.appendChild(document.createElement(tag)).textContent = text;
  }
  return element;
}

interface Told {
  tooltip: Tooltip;
  words: string;
}

function tellAt(state: EditorState, offset: number): Told | undefined {
  const site = findSite(state.doc.toString(), offset);
  const found = site && docOf(site, state.sliceDoc(site.from, site.to));
  if (!site || !found) return undefined;
  const { title, doc } = found;
  return {
    tooltip: {
      pos: site.from,
      end: site.to,
      above: true,
      create: () => ({ dom: docElement(doc, title) }),
    },
    words: `${title}: ${plainDoc(doc)}`,
  };
}

function docTooltip(state: EditorState, offset: number): Tooltip | null {
  return tellAt(state, offset)?.tooltip ?? null;
}

const askDoc = StateEffect.define<Tooltip | null>();

/** What was asked for by keyboard stays until the cursor moves. */
const askedDoc = StateField.define<Tooltip | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(askDoc)) return effect.value;
    return transaction.docChanged || transaction.selection ? null : shown;
  },
  provide: (field) => showTooltip.from(field),
});

function showDoc(view: EditorView): boolean {
  const told = tellAt(view.state, view.state.selection.main.head);
  const words = told?.words ?? "Nothing is known about this place";
  view.dispatch({ effects: [askDoc.of(told?.tooltip ?? null), EditorView.announce.of(words)] });
  return true;
}

function hideDoc(view: EditorView): boolean {
  if (!view.state.field(askedDoc)) return false;
  view.dispatch({ effects: askDoc.of(null) });
  return true;
}
