/** How completions and documentation look. */
import { EditorView } from "@codemirror/view";

export const assistLook = EditorView.theme({
  // What is said of an option stands beside the list.
  ".cm-tooltip.cm-tooltip-autocomplete": { overflow: "visible" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--font-mono)",
    fontSize: "0.8125rem",
    maxHeight: "16em",
    minWidth: "13em",
    padding: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    gap: "1em",
    padding: "3px 8px",
    borderRadius: "5px",
    lineHeight: "1.5",
  },
  "@media (pointer: coarse)": {
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { minHeight: "44px" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { maxHeight: "14em" },
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--accent-ink)",
  },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "650" },
  ".cm-completionDetail": { marginLeft: "0", fontStyle: "normal", fontFamily: "var(--font-sans)" },
  ".cm-tooltip.cm-completionInfo": { padding: "8px 12px", maxWidth: "22rem", margin: "0 4px" },
  ".cm-doc": { fontFamily: "var(--font-sans)", lineHeight: "1.45", overflowWrap: "anywhere" },
  ".cm-tooltip > .cm-doc, .cm-doc.cm-tooltip, .cm-tooltip-section > .cm-doc": {
    padding: "8px 12px",
    maxWidth: "26rem",
  },
  ".cm-doc > strong": { fontFamily: "var(--font-mono)", fontWeight: "600" },
  ".cm-doc code": {
    fontFamily: "var(--font-mono)",
    fontSize: "0.9em",
    padding: "1px 3px",
    borderRadius: "4px",
    backgroundColor: "var(--sunken)",
  },
});
