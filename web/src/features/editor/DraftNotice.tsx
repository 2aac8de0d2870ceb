import { History } from "lucide-react";
import { Button } from "../../components/Button.tsx";
import { Notice } from "../../components/Notice.tsx";
import type { EditorState } from "./useEditor.ts";

/** Unsaved text of an earlier visit was put back: say so, and offer the way back. */
export function DraftNotice({ editor, onDiscard }: { editor: EditorState; onDiscard(source: string): void }) {
  if (!editor.restored || !editor.dirty) return null;
  return (
    <Notice
      className="rounded-none border-x-0 border-t-0"
      role="status"
      icon={<History aria-hidden />}
      actions={
        <Button size="sm" onClick={() => onDiscard(editor.discardDraft())}>
          Discard them
        </Button>
      }
    >
      Your unsaved changes from before are back.
    </Notice>
  );
}
