import { toast } from "sonner";
import { Button } from "../../components/Button.tsx";
import { copyText } from "../../components/CopyButton.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import type { EditorState } from "./useEditor.ts";

/** Somebody saved a version while this one was being written: nothing is lost, and the choice is explained. */
export function ConflictDialog({ editor }: { editor: EditorState }) {
  const copy = async () => {
    if (await copyText(editor.source)) toast.success("Your text is copied");
  };
  return (
    <Dialog
      open={editor.conflict}
      onOpenChange={(open) => {
        if (!open) editor.dismissConflict();
      }}
      title="Somebody saved this runbook while you were editing"
      description="Your text was not saved, and nothing of theirs is lost."
      actions={
        <>
          <Button onClick={copy}>Copy my text</Button>
          <Button variant="primary" onClick={() => editor.save({ overwrite: true })}>
            Save mine as the newest
          </Button>
        </>
      }
    >
      <p>
        Save yours on top: it becomes the newest version, and theirs stays in the list of versions. Or copy
        your text, open the newest version, and put the two together.
      </p>
    </Dialog>
  );
}
