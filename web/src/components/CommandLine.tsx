import { CopyButton } from "./CopyButton.tsx";

/** A command to run somewhere else, with a button that copies it. */
export function CommandLine({ command, what = "command" }: { command: string; what?: string }) {
  return (
    <div className="flex items-start gap-1 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 flex-1 py-1 font-mono text-[0.8125rem] whitespace-pre-wrap wrap-anywhere">
        {command}
      </code>
      <CopyButton text={command} what={what} />
    </div>
  );
}
