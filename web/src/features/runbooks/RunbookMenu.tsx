import { useQueryClient } from "@tanstack/react-query";
import { Copy, Ellipsis, Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { deleteRunbook, runbookKeys } from "../../api/queries/runbooks.ts";
import { ConfirmedAction } from "../../components/ConfirmedAction.tsx";
import { copyText } from "../../components/CopyButton.tsx";
import { DropdownMenu, MenuItem, MenuSeparator } from "../../components/DropdownMenu.tsx";
import { IconButton } from "../../components/IconButton.tsx";
import { paths } from "../../routes/paths.ts";

/** What is done with a runbook now and then. */
export function RunbookMenu({ runbook }: { runbook: Runbook }) {
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const remove = async () => {
    await deleteRunbook(runbook.id);
    toast.success("The runbook is deleted");
    await navigate(paths.runbooks);
    queries.removeQueries({ queryKey: runbookKeys.one(runbook.id) });
    await queries.invalidateQueries({ queryKey: runbookKeys.all });
  };
  const copy = async (text: string, what: string) => {
    if (await copyText(text)) toast.success(`${what} copied`);
  };
  return (
    <>
      <DropdownMenu trigger={<IconButton label="More" icon={<Ellipsis />} />}>
        <MenuItem icon={<Copy aria-hidden />} onSelect={() => copy(runbook.version.source, "Source")}>
          Copy as Markdown
        </MenuItem>
        <MenuItem icon={<Copy aria-hidden />} onSelect={() => copy(runbook.id, "Id")}>
          Copy id
        </MenuItem>
        <MenuSeparator />
        <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => setAsking(true)}>
          Delete…
        </MenuItem>
      </DropdownMenu>
      <ConfirmedAction
        open={asking}
        onOpenChange={setAsking}
        title={`Delete “${runbook.title}”?`}
        action="Delete runbook"
        failure="The runbook was not deleted"
        act={remove}
      >
        <p>All of its versions go with it, and it can no longer be run.</p>
        <p>What it has run stays in the list of executions, with its plan and output.</p>
      </ConfirmedAction>
    </>
  );
}
