import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Signature } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { toast } from "sonner";
import type { Version } from "#protocol/api/runbooks.ts";
import type { VersionSignature } from "#protocol/api/signatures.ts";
import { messageOf } from "../../api/errors.ts";
import { meQuery } from "../../api/queries/me.ts";
import { runbookKeys, versionQuery } from "../../api/queries/runbooks.ts";
import { signVersion } from "../../api/queries/signatures.ts";
import { Badge } from "../../components/Badge.tsx";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { RelativeTime } from "../../components/RelativeTime.tsx";
import { paths } from "../../routes/paths.ts";
import { signedVersion } from "../../signing/statements.ts";
import { Section } from "../runbooks/Section.tsx";
import { useBrowserKey } from "./useBrowserKey.ts";

/** Who signed a version, and the way to do so. */
export function VersionSignatures({ version }: { version: Version }) {
  const { data } = useQuery(versionQuery(version.runbookId, version.number));
  const own = useBrowserKey();
  const signatures = data?.signatures ?? [];
  const hasSigned = signatures.some(({ key }) => key.fingerprint === own?.key.fingerprint);
  return (
    <Section title="Signatures">
      <div className="flex flex-col items-start gap-2">
        {signatures.length === 0 && <p className="text-muted">Nobody has signed this version.</p>}
        {signatures.length > 0 && (
          <ul className="flex max-w-full flex-col gap-1.5">
            {signatures.map((signature) => (
              <Signed key={signature.key.id} signature={signature} />
            ))}
          </ul>
        )}
        {own && !hasSigned && <SignButton version={version} name={own.name} />}
        {!own && (
          <Link
            to={paths.signingKeys}
            className="inline-flex items-center text-[0.8125rem] text-link hover:underline pointer-coarse:min-h-11"
          >
            Make a key to sign with
          </Link>
        )}
      </div>
    </Section>
  );
}

function Signed({ signature: { key, signedAt, expiresAt } }: { signature: VersionSignature }) {
  const over =
    key.revokedAt !== undefined || (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now());
  return (
    <li className="flex max-w-full flex-wrap items-center gap-x-2 text-[0.8125rem] text-muted">
      <Badge tone={over ? "neutral" : "good"}>
        <Signature aria-hidden />
        <span className="truncate">{key.name}</span>
      </Badge>
      <span>{key.revokedAt ? "key revoked" : over ? "expired" : <RelativeTime time={signedAt} />}</span>
    </li>
  );
}

function SignButton({ version, name }: { version: Version; name: string }) {
  const { runbookId, number, contentHash } = version;
  const [asking, setAsking] = useState(false);
  const { data: me } = useQuery(meQuery);
  const own = useBrowserKey();
  const queries = useQueryClient();
  const sign = useMutation({
    mutationFn: async () => {
      if (!me || !own) throw new Error("This browser has no key to sign with.");
      const signature = await signedVersion(me.organization.id, version, own.key);
      return signVersion(runbookId, number, signature);
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: runbookKeys.version(runbookId, number) });
      toast.success(`Version ${number} is signed`);
    },
    onError: (error) => toast.error("It was not signed", { description: messageOf(error) }),
    onSettled: () => setAsking(false),
  });
  return (
    <>
      <Button onClick={() => setAsking(true)}>
        <Signature aria-hidden />
        Sign this version
      </Button>
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title={`Sign version ${number}?`}
        actions={
          <Button variant="primary" busy={sign.isPending} onClick={() => sign.mutate()}>
            Sign
          </Button>
        }
      >
        <div className="flex flex-col gap-3">
          <p>
            With the key “{name}” of this browser. Hosts that trust it will run exactly this, with whatever
            parameters it allows, as often as they are asked to.
          </p>
          <code className="font-mono text-xs text-muted wrap-anywhere">{contentHash}</code>
        </div>
      </Dialog>
    </>
  );
}
