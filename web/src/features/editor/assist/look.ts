/** How completions and documentation look. */
import { EditorView, type Rect } from "@codemirror/view";

const DOC_WIDTH = 360;
const GAP = 4;

/** What is said of an option stands beside the list where there is room, else below it, where it hides no option. */
export function besideOrBelow(
  _view: EditorView,
  list: Rect,
  option: Rect,
  info: Rect,
  space: Rect,
): { style: string } {
  const top = Math.min(option.top, space.bottom - (info.bottom - info.top)) - list.top;
  const beside = (place: string) => ({ style: `top: ${top}px; ${place}; max-width: ${DOC_WIDTH}px` });
  const width = list.right - list.left + GAP;
  if (space.right - list.right > DOC_WIDTH + GAP) return beside(`left: ${width}px`);
  if (list.left - space.left > DOC_WIDTH + GAP) return beside(`right: ${width}px`);
  const most = Math.min(DOC_WIDTH, space.right - space.left - 4 * GAP);
  const left = Math.min(0, space.right - 2 * GAP - most - list.left);
  return { style: `top: ${list.bottom - list.top + GAP}px; left: ${left}px; max-width: ${most}px` };
}

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
  ".cm-tooltip.cm-completionInfo": { padding: "0" },
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
