/** What hosts get besides the bare program: a tarball with all it takes to install, and a Debian package. */
import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const LICENSE = fileURLToPath(new URL("../../LICENSE", import.meta.url));
/** Of all files, so that the same sources make the same archive. */
const TIME = new Date("2026-01-01T00:00:00Z");

/** Drop-ins for the agent's service, of which a host may have one. */
const PROFILES = ["users.conf", "sudo.conf"];
/** The agent's service, and what replaces its program. */
const UNITS = ["farhand-agent.service", "farhand-agent-update.path", "farhand-agent-update.service"];

const run = promisify(execFile);

/**
 * A folder of the archive's own name with the program, its unit, and the installer.
 * @param program an executable, or the bundle as `….mjs`
 * @param outfile `….tar.gz`
 */
export async function buildTarball(program: string, outfile: string): Promise<void> {
  await inScratch(async (scratch) => {
    const name = basename(outfile, ".tar.gz");
    const folder = join(scratch, name);
    await mkdir(folder);
    for (const file of [...UNITS, ...PROFILES, "install.sh", "README.md"]) {
      await copyFile(join(HERE, file), join(folder, file));
    }
    await copyFile(LICENSE, join(folder, "LICENSE"));
    if (program.endsWith(".mjs")) {
      await copyFile(program, join(folder, "farhand-agent.mjs"));
      await symlink("farhand-agent.mjs", join(folder, "farhand-agent"));
    } else {
      await cp(program, join(folder, "farhand-agent"));
    }
    const owned = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mode=go=u,go-w"];
    const at = [`--mtime=@${TIME.getTime() / 1000}`, "--use-compress-program=gzip -n", "-C", scratch];
    await run("tar", [...owned, ...at, "-cf", outfile, name]);
  });
}

export interface DebianPackage {
  /** The executable. */
  program: string;
  version: string;
  /** As Debian calls it, such as `amd64`. */
  architecture: string;
  /** `….deb` */
  outfile: string;
}

/** Needs `dpkg-deb`. */
export async function buildDebian({ program, version, architecture, outfile }: DebianPackage): Promise<void> {
  await inScratch(async (root) => {
    const documents = join(root, "usr/share/doc/farhand-agent");
    const units = join(root, "lib/systemd/system");
    for (const folder of ["DEBIAN", "usr/bin"]) await mkdir(join(root, folder), { recursive: true });
    for (const folder of [documents, units]) await mkdir(folder, { recursive: true });
    await cp(program, join(root, "usr/bin/farhand-agent"));
    const unit = await readFile(join(HERE, "farhand-agent.service"), "utf8");
    // What dpkg has installed is replaced by dpkg.
    const ours = unit
      .replace("/opt/farhand/current/", "/usr/share/doc/farhand-agent/")
      .replace(/^#.*\nEnvironment=FARHAND_INSTALLATION=.*\n/m, "");
    await writeFile(join(units, "farhand-agent.service"), ours);
    await mkdir(join(documents, "examples"));
    for (const file of PROFILES) await copyFile(join(HERE, file), join(documents, "examples", file));
    await copyFile(join(HERE, "debian/copyright"), join(documents, "copyright"));
    await copyFile(join(HERE, "debian/README.md"), join(documents, "README.md"));
    await writeFile(join(root, "DEBIAN/control"), controlOf(version, architecture));
    for (const name of ["postinst", "prerm", "postrm"]) {
      await copyFile(join(HERE, "debian", name), join(root, "DEBIAN", name));
      await chmod(join(root, "DEBIAN", name), 0o755);
    }
    await run("chmod", ["-R", "u=rwX,go=rX", root]);
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(TIME.getTime() / 1000) };
    await run("dpkg-deb", ["--build", "--root-owner-group", "-Zgzip", root, outfile], { env });
  });
}

/** A hyphen would begin the revision, and what stands before a release sorts with a tilde. */
function controlOf(version: string, architecture: string): string {
  return `Package: farhand-agent
Version: ${version.replace("-", "~")}
Architecture: ${architecture}
Maintainer: The Farhand authors <maintainers@farhand.example.com>
Section: admin
Priority: optional
Depends: libatomic1, libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8), passwd, systemd (>= 247)
Description: remote hands for your runbooks
 The agent dials out to a Farhand control plane, runs what its runbooks say
 and streams it back. Nothing listens on this host.
`;
}

async function inScratch(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "farhand-archive-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
