/** A Debian in a folder: made once with debootstrap, copied for each use. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { Problem } from "../../scripts/lib/problem.ts";

const PACKAGES = "systemd,systemd-sysv,dbus,curl,ca-certificates,openssl,procps,sudo,libatomic1";

/**
 * Installs what is missing of the tools that a test needs.
 * @param tools the Debian package of each
 * @throws Problem when that is not possible here
 */
export async function requireTools(tools: Record<string, string>): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Problem(
      "This boots a Debian of its own, which needs root: run it with sudo, or in a container as root.",
    );
  }
  const missing: string[] = [];
  for (const [tool, name] of Object.entries({ debootstrap: "debootstrap", ...tools })) {
    const { failed } = await execa("sh", ["-c", `command -v ${tool}`], { reject: false });
    if (failed) missing.push(name);
  }
  if (missing.length === 0) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const { failed } = await execa("apt-get", ["install", "-y", "--no-install-recommends", ...missing], {
    env,
    reject: false,
  });
  if (failed)
    throw new Problem(`Install ${missing.join(" and ")} first (apt-get update && apt-get install …).`);
}

export interface Debian {
  /** Where it is kept for the next time. */
  cache: string;
  /** Its name there: one for each list of packages. */
  name: string;
  /** Packages beyond what every host has that the agent is installed on. */
  packages?: readonly string[];
}

/** Makes a clean copy at `root`. @returns where the one is that was copied */
export async function copyDebian({ cache, name, packages = [] }: Debian, root: string): Promise<string> {
  const base = join(cache, name);
  if (!existsSync(base)) {
    const draft = `${base}.new`;
    await rm(draft, { recursive: true, force: true });
    await mkdir(cache, { recursive: true });
    const include = [PACKAGES, ...packages].join(",");
    await execa("debootstrap", ["--variant=minbase", `--include=${include}`, "bookworm", draft], {
      all: true,
    });
    await rename(draft, base);
  }
  await execa("cp", ["-a", "--reflink=auto", base, root]);
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  await writeFile(join(root, "etc/hostname"), "farhand-test\n");
  return base;
}
