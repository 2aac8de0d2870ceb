/** How the source editor looks and behaves. Colours come from the page's own tokens, so it follows the theme. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { markdown } from "@codemirror/lang-markdown";
import { yaml, yamlFrontmatter } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  HighlightStyle,
  indentUnit,
  LanguageDescription,
  LanguageSupport,
  StreamLanguage,
  syntaxHighlighting,
} from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { lintGutter } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { assist } from "./assist/extension.ts";
import { assistLook } from "./assist/look.ts";

const shellLanguage = new LanguageSupport(StreamLanguage.define(shell));
const languages = [
  LanguageDescription.of({ name: "shell", alias: ["bash", "sh"], support: shellLanguage }),
  LanguageDescription.of({ name: "yaml", alias: ["farhand", "yml"], support: yaml() }),
];

const colours = HighlightStyle.define([
  { tag: tags.heading, fontWeight: "650", color: "var(--ink)" },
  { tag: tags.strong, fontWeight: "650" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: [tags.link, tags.url], color: "var(--link)" },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: "var(--faint)" },
  { tag: tags.labelName, color: "var(--ansi-6)" },
  { tag: [tags.string, tags.monospace], color: "var(--ansi-2)" },
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--ansi-5)" },
  { tag: [tags.number, tags.bool, tags.atom], color: "var(--ansi-3)" },
  {
    tag: [tags.definition(tags.variableName), tags.propertyName, tags.attributeName],
    color: "var(--ansi-4)",
  },
  { tag: tags.standard(tags.variableName), color: "var(--ansi-4)" },
]);

const look = EditorView.theme({
  "&": {
    height: "100%",
    backgroundColor: "var(--log-canvas)",
    color: "var(--log-ink)",
    fontSize: "0.8125rem",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.55" },
  ".cm-content": { padding: "10px 0 40vh", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--log-canvas)", color: "var(--log-number)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 10px 0 8px" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--log-ink) 4%, transparent)",
  },
  ".cm-activeLineGutter": { color: "var(--log-ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-tooltip": {
    border: "none",
    borderRadius: "8px",
    backgroundColor: "var(--surface)",
    color: "var(--ink)",
    boxShadow: "var(--floating)",
    overflow: "hidden",
  },
  ".cm-diagnostic": {
    borderLeft: "3px solid var(--bad)",
    padding: "6px 10px",
    fontFamily: "var(--font-sans)",
  },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-lintRange-error, .cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "3px",
  },
  ".cm-lintRange-warning": { textDecorationColor: "var(--warn)" },
});

interface Callbacks {
  onChange(source: string): void;
  onSave(): void;
  onEditBlock(): void;
}

export function editorExtensions({ onChange, onSave, onEditBlock }: Callbacks): Extension {
  const save = () => {
    onSave();
    return true;
  };
  const editBlock = () => {
    onEditBlock();
    return true;
  };
  return [
    lineNumbers(),
    lintGutter(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    indentUnit.of("  "),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({
      "aria-label": "Source of the runbook, in Markdown",
      spellcheck: "false",
      tabindex: "0",
    }),
    yamlFrontmatter({ content: markdown({ codeLanguages: languages }) }),
    syntaxHighlighting(colours),
    look,
    assist(),
    assistLook,
    keymap.of([
      { key: "Mod-s", run: save, preventDefault: true },
      { key: "Alt-Enter", run: editBlock, preventDefault: true },
      ...historyKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
  ];
}
