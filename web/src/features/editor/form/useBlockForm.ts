/** The form over the source editor: which block it is for, and what becomes of it. */
import type { EditorView } from "@codemirror/view";
import { type RefObject, useState } from "react";
import { toast } from "sonner";
import type { BlockKind } from "#protocol/blocks/index.ts";
import { isBlockKind } from "#protocol/runbook/fields.ts";
import type { FormRequest } from "./BlockDialog.tsx";
import { blockAt, slotAt } from "./blockAt.ts";

export function useBlockForm(view: RefObject<EditorView | null>) {
  const [request, setRequest] = useState<FormRequest>();
  const cursor = () => {
    const state = view.current?.state;
    return { source: state?.doc.toString() ?? "", offset: state?.selection.main.head ?? 0 };
  };
  const close = () => setRequest(undefined);
  return {
    request,
    close,
    insert(kind: BlockKind) {
      const { source, offset } = cursor();
      const found = slotAt(source, offset);
      if (!found.ok) return void toast.error(found.problem);
      setRequest({ kind, source, slot: found.slot, isNew: true, before: {}, isYaml: false });
    },
    edit() {
      const { source, offset } = cursor();
      const found = blockAt(source, offset);
      if (!found.ok) return void toast.error(found.problem);
      const { slot, words: before, isYaml } = found;
      if (isBlockKind(before.kind))
        setRequest({ kind: before.kind, source, slot, isNew: false, before, isYaml });
    },
    /** Puts the block's text into its slot; the rest of the page stays as it is. */
    done(insert: string) {
      if (!request) return;
      const { from, to, before } = request.slot;
      view.current?.dispatch({
        changes: { from, to, insert },
        selection: { anchor: from + before.length },
        scrollIntoView: true,
        userEvent: "input",
      });
      close();
    },
  };
}
