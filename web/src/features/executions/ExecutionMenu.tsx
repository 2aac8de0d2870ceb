import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, Ellipsis, FileSearch, StepForward, Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import type { Execution } from "#protocol/api/executions.ts";
import { isExecutionTerminal } from "#protocol/states.ts";
import { messageOf } from "../../api/errors.ts";
import { deleteExecution, executionKeys, wholeOutputPath } from "../../api/queries/executions.ts";
import { ConfirmDialog } from "../../components/ConfirmDialog.tsx";
import { DropdownMenu, MenuItem, MenuSeparator } from "../../components/DropdownMenu.tsx";
import { IconButton } from "../../components/IconButton.tsx";
import { paths } from "../../routes/paths.ts";
import { PlanDialog } from "./PlanDialog.tsx";
import { RetryDialog } from "./RetryDialog.tsx";

type Open = "plan" | "retry" | "delete" | undefined;

/** What is done with an execution now and then. */
export function ExecutionMenu({ execution }: { execution: Execution }) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const ended = isExecutionTerminal(execution.state);
  return (
    <>
      <DropdownMenu trigger={<IconButton label="More" icon={<Ellipsis />} />}>
        <MenuItem icon={<FileSearch aria-hidden />} onSelect={() => setOpen("plan")}>
          Show the plan
        </MenuItem>
        <MenuItem asChild>
          <a href={wholeOutputPath(execution.id)} download={`${execution.id}.txt`}>
            <Download aria-hidden />
            Download all output
          </a>
        </MenuItem>
        {ended && (
          <>
            <MenuItem icon={<StepForward aria-hidden />} onSelect={() => setOpen("retry")}>
              Retry from…
            </MenuItem>
            <MenuSeparator />
            <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => setOpen("delete")}>
              Delete…
            </MenuItem>
          </>
        )}
      </DropdownMenu>
      <PlanDialog execution={execution} open={open === "plan"} onOpenChange={close} />
      {open === "retry" && <RetryDialog execution={execution} open onOpenChange={close} />}
      <DeleteDialog execution={execution} open={open === "delete"} onClose={close} />
    </>
  );
}

function DeleteDialog({
  execution,
  open,
  onClose,
}: {
  execution: Execution;
  open: boolean;
  onClose(): void;
}) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteExecution(execution.id),
    onSuccess: async () => {
      toast.success("The execution is deleted");
      await navigate(paths.executions);
      await queries.invalidateQueries({ queryKey: executionKeys.lists });
    },
    onError: (error) => toast.error("The execution was not deleted", { description: messageOf(error) }),
    onSettled: onClose,
  });
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onClose}
      title={`Delete this execution of “${execution.title}”?`}
      action="Delete execution"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <p>Nobody finds it or reads its output any more.</p>
      <p>That it ran stays on record, and so does who deleted it and when.</p>
    </ConfirmDialog>
  );
}
