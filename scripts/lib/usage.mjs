/**
 * What commands may be told. Plain JavaScript without dependencies, for it is
 * read before anything is installed: nobody waits a minute to be told of a typo.
 */
import { parseArgs } from "node:util";

const text = /** @type {const} */ ({ type: "string" });
const help = /** @type {const} */ ({ type: "boolean", short: "h" });
const local = { port: text, data: text, help };

const noOptions = { options: { help } };

export const USAGE = {
  start: {
    options: { ...local, once: /** @type {const} */ ({ type: "boolean" }) },
    help: `npm start -- [--port N] [--data DIR] [--once]

Starts Farhand on this machine: the control plane on local workerd, a demo
organization, and an agent that runs a sample runbook.

  --port N     where the web app and the API listen (default 8787)
  --data DIR   where everything is kept (default .farhand)
  --once       stop after the run
  --help       this text

Exit codes: 0 all well (with --once: the execution succeeded), 1 something
failed, 2 wrong usage, 3 port in use, 4 data folder not usable, 5 a tool is
missing, 130 stopped before it was up.
`,
  },
  dev: {
    options: local,
    help: `npm run dev -- [--port N] [--data DIR]

Serves the web app with hot reload, in front of a control plane that is built
again when worker/ or protocol/ changes, with a demo agent.

  --port N     where the control plane listens (default 8787)
  --data DIR   where everything is kept (default .farhand)
  --help       this text
`,
  },
  build: {
    ...noOptions,
    help: `npm run build

Builds what a deploy uploads and a host downloads, in dist/: the worker's
bundle, the web app and the agent's file. What has not changed is left alone.
`,
  },
  release: {
    options: { key: text, node: /** @type {const} */ ({ type: "string", multiple: true }), help },
    help: `npm run release -- --key FILE [--node PLATFORM=PATH]...

Makes a signed release of the agent in dist/releases/: a script for Node, an
executable for this machine's platform, tarballs, a Debian package, a bill of
materials, and the list of them all. docs/operations.md says where it goes.

  --key FILE             signs it (Ed25519, PEM); made when it is not there
  --node PLATFORM=PATH   also an executable for linux-x64 or linux-arm64, out of
                         that platform's node binary; as often as needed
  --help                 this text
`,
  },
  check: {
    ...noOptions,
    help: `npm run check

Format, lint, types, dead code and unit tests: what can be known in seconds,
without a network. Exit codes: 0 all well, 1 something failed, 2 wrong usage.
`,
  },
  test: {
    ...noOptions,
    help: `npm test

Everything there is to check: what npm run check does, a build, and the tests
inside workerd, with real processes, of the whole system, and in Chromium.
Exit codes: 0 all well, 1 something failed, 2 wrong usage.
`,
  },
  faults: {
    ...noOptions,
    help: `npm run test:faults

Every test of a fault in docs/guarantees.md, in its long form: partitions that
outlast a lease, 10 GB of output, agents that stand still for minutes, and kills
drawn from many seeds (FARHAND_SEEDS of them, 20). npm test runs a short form of
each. Ends with a table of the faults. Full and failing disks and reused process
numbers need root; without it those tests are left out.
Exit codes: 0 all well, 1 something failed, 2 wrong usage.
`,
  },
  "test-install": {
    ...noOptions,
    help: `npm run test:install

Installs the agent on a clean Debian that it boots for that (debootstrap,
systemd-nspawn and buildah, as root), against a control plane on this machine,
and tries there what happens to hosts: executions, cancels, crashes, a reboot,
upgrades good and bad, removal, a proxy, a private authority; and the agent in a
container. Takes some minutes. The Debian is kept in FARHAND_INSTALL_CACHE, or
below the folder for temporary files.
Exit codes: 0 all well, 1 something failed, 2 wrong usage.
`,
  },
  "test-kernel": {
    ...noOptions,
    help: `npm run test:kernel

Installs the agent in a virtual machine whose kernel has cgroup v2 with all its
controllers (QEMU in software, and debootstrap, as root), against a control plane
on this machine, and tries there what the kernel holds: memory, processes and
processor time of steps, and cancels of what hides. Takes some minutes. The
Debian is kept in FARHAND_INSTALL_CACHE, or below the folder for temporary files.
Exit codes: 0 all well, 1 something failed, 2 wrong usage.
`,
  },
};

/**
 * What a command line is answered with before any work: its help, or what is
 * wrong with it; nothing when the work may begin.
 * @param {keyof typeof USAGE} command
 * @param {string[]} args
 * @returns {{ help: string } | { problem: string } | undefined}
 */
export function answerOf(command, args) {
  const { options, help } = USAGE[command];
  try {
    const values = /** @type {{ help?: boolean, port?: string, data?: string }} */ (
      parseArgs({ args, options }).values
    );
    if (values.help) return { help };
    const { port = "1", data } = values;
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      return { problem: `--port must be a number from 1 to 65535, not "${port}".` };
    }
    return data === "" ? { problem: "--data must name a folder." } : undefined;
  } catch (error) {
    return { problem: `${error instanceof Error ? error.message : error}\n\n${help}` };
  }
}
