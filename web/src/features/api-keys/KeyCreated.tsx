import type { ApiKeyCreated } from "#protocol/api/keys.ts";
import { CommandLine } from "../../components/CommandLine.tsx";

/** The key, and a command that proves it works. */
export function KeyCreated({ created }: { created: ApiKeyCreated }) {
  return (
    <div className="flex flex-col gap-4">
      <CommandLine command={created.key} what="key" />
      <div className="flex flex-col gap-1.5">
        <p className="text-muted">Try it:</p>
        <CommandLine command={`curl -H "X-API-Key: ${created.key}" ${location.origin}/api/v1/me`} />
      </div>
    </div>
  );
}
