import { Button } from "../../components/Button.tsx";
import { CommandLine } from "../../components/CommandLine.tsx";
import { Dialog } from "../../components/Dialog.tsx";

/** The secret of a webhook: shown this once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose(): void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="The webhook’s secret"
      description="Copy it now: it is shown this once. The receiver checks signatures with it, as Standard Webhooks says."
      actions={
        <Button variant="primary" onClick={onClose}>
          I have copied it
        </Button>
      }
    >
      <CommandLine command={secret} what="secret" />
    </Dialog>
  );
}
