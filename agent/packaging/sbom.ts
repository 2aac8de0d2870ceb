/** A bill of materials of the agent (CycloneDX): the packages whose code is in its bundle, and no others. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
    }),
  ),
});

export interface SbomInput {
  /** Folder of package-lock.json. */
  root: string;
  version: string;
  /** Files of the bundle, relative to the root. */
  inputs: readonly string[];
  /** The Node inside the executables; undefined when there are none. */
  node: string | undefined;
}

/** The document as JSON. */
export async function sbomOf({ root, version, inputs, node }: SbomInput): Promise<string> {
  const { packages } = lockSchema.parse(JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")));
  const components = packagesOf(inputs).map((path) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const { version: release = "unknown", license, integrity } = packages[path] ?? {};
    const [algorithm = "", digest = ""] = integrity?.split("-") ?? [];
    return {
      type: "library",
      name,
      version: release,
      purl: `pkg:npm/${name.replace("@", "%40")}@${release}`,
      ...(license && { licenses: [{ license: { name: license } }] }),
      ...(algorithm === "sha512" && {
        hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }],
      }),
    };
  });
  const runtime = { type: "platform", name: "node", version: node, purl: `pkg:generic/node@${node}` };
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", name: "farhand-agent", version } },
    components: node === undefined ? components : [...components, runtime],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** `node_modules/zod/v4/index.js` → `node_modules/zod`; each once. */
function packagesOf(inputs: readonly string[]): string[] {
  const paths = inputs.flatMap((path) => {
    const normal = path.slice(Math.max(0, path.indexOf("node_modules/")));
    return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(normal)?.[0] ?? [];
  });
  return [...new Set(paths)].sort();
}
