/** An agent that is replaced by another version, and every way in which it must not be. */
import { execFileSync } from "node:child_process";
import { renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { command } from "./harness.ts";
import { InstalledHost, Releases } from "./installed-host.ts";

const AUTO = "{mode: auto, spread: 0s}";
let releases: Releases;
const hosts: InstalledHost[] = [];

beforeAll(async () => {
  releases = await Releases.make();
  await releases.add("1.0.0");
  await releases.add("1.1.0");
  await releases.addProgram("1.2.0", "process.exit(1)");
  await releases.addProgram("1.3.0", "setInterval(() => {}, 1000)");
  await releases.addProgram("1.4.0", "", { foreign: true });
  await releases.addProgram("1.5.0", "", { says: "9.9.9" });
}, 60_000);
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});
afterAll(() => releases.remove());

async function boot(update: string, version?: string): Promise<InstalledHost> {
  const host = await InstalledHost.boot({ releases, update, ...(version && { version }) });
  hosts.push(host);
  return host;
}

/** Tells the agent which version it should have. */
function want(host: InstalledHost, version: string): void {
  host.plane.wantedVersion = version;
  host.plane.control.send({ type: "version.wanted", version });
}

const hello = (host: InstalledHost) => host.plane.control.of("hello")[0];

it("[S17] with `auto` it becomes the version that is wanted, and keeps the one before", async () => {
  const host = await boot(AUTO);
  expect(hello(host)?.update).toEqual({ mode: "auto", installs: true });
  want(host, "1.1.0");
  await host.connectedAs("1.1.0");
  await host.updaterSaid("1.1.0 is installed; 1.0.0 is kept");
  expect([await host.current(), host.link("proven"), host.has("trial.json"), host.has("1.0.0")]).toEqual([
    ...["1.1.0", "1.1.0", false, true],
  ]);
  const status = await host.command("status");
  expect(status.output).toMatch(/update +auto; 1\.1\.0 was installed at 20/);
});

describe("[S17] it stays what it is", () => {
  it.each([
    ["off", "{mode: off}", "1.1.0", undefined],
    [
      "notify",
      "{mode: notify}",
      "1.1.0",
      "1.1.0 is available, and the policy of this host says that a person",
    ],
    [
      "pinned",
      "{mode: auto, pin: 1.0.0}",
      "1.1.0",
      "1.1.0 is available, and the policy of this host pins 1.0.0",
    ],
    ["asked to go back", AUTO, "0.9.0", "wants an older version, and no agent goes back"],
  ])("when it is %s", async (_, update, wanted, words) => {
    const host = await boot(update);
    const asked: string[] = [];
    host.plane.serves = (path) => {
      asked.push(path);
      return releases.file(path);
    };
    want(host, wanted);
    if (words) await host.logged(words);
    const { finished } = await host.plane.run({ blocks: [command("a", "true")] });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
    expect([asked, await host.current()]).toEqual([[], "1.0.0"]);
  });

  it("outside its window", async () => {
    const at = (hours: number) => `${String((new Date().getHours() + hours) % 24).padStart(2, "0")}:00`;
    const host = await boot(`{mode: auto, window: "${at(2)}-${at(3)}", spread: 0s}`);
    want(host, "1.1.0");
    await host.logged("1.1.0 is installed after");
    expect(host.has("1.1.0")).toBe(false);
  });

  const spoil = (suffix: string, change: (file: Buffer) => Buffer) => (host: InstalledHost) => {
    host.plane.serves = (path) => {
      const file = releases.file(path);
      return file && path.endsWith(suffix) ? change(file) : file;
    };
  };
  const swapped = (host: InstalledHost) => {
    host.plane.serves = (path) => releases.file(path.replace("/1.1.0/", "/1.0.0/"));
  };

  it.each<[string, string, (host: InstalledHost) => void, string]>([
    ["by another key", "1.4.0", () => {}, "its signature is not from the release key"],
    [
      "with a spoilt signature",
      "1.1.0",
      spoil(".sig", (file) => file.fill(0, 10, 20)),
      "its signature is not from",
    ],
    [
      "with a spoilt list",
      "1.1.0",
      spoil("release.json", (file) => Buffer.from(`${file} `)),
      "its signature is not",
    ],
    [
      "with another file",
      "1.1.0",
      spoil(".gz", (file) => Buffer.from(file).fill(1, 100, 101)),
      "not the file that the",
    ],
    [
      "that is cut short",
      "1.1.0",
      spoil(".gz", (file) => file.subarray(0, -1)),
      "is not the file that the release",
    ],
    [
      "that is too long",
      "1.1.0",
      spoil(".gz", (file) => Buffer.concat([file, file])),
      "is larger than it may be",
    ],
    ["that is an older one, signed, under its name", "1.1.0", swapped, "what was served for it is 1.0.0"],
    ["that is not there", "1.9.0", () => {}, "the answer was HTTP 404"],
    ["whose program says it is another", "1.5.0", () => {}, "holds a program that says it is 9.9.9"],
  ])("offered a release %s", async (_, version, prepare, words) => {
    const host = await boot(AUTO);
    prepare(host);
    want(host, version);
    await host.logged(words);
    await host.plane.changes.until("the control plane to hear of it", () =>
      hello(host)?.update?.problem?.reason.includes(words),
    );
    expect([await host.current(), host.has(version), host.has(`${version}.new`)]).toEqual([
      "1.0.0",
      false,
      false,
    ]);
    const { finished } = await host.plane.run({ blocks: [command("a", "true")] });
    expect(finished.outcome).toEqual({ type: "exited", exitCode: 0 });
  });
});

it("lets what runs come to its end first, and takes nothing new meanwhile", async () => {
  const host = await boot(AUTO);
  const { coordinator } = await host.plane.offer({
    blocks: [
      command(
        "long",
        `echo up; for i in $(seq 999); do [ -e ${host.root}/go ] && exit 0; echo "tick $i."; sleep 0.1; done; exit 1`,
      ),
    ],
  });
  await coordinator.printed("long", "up");
  want(host, "1.1.0");
  await host.logged("what runs comes to its end first");
  await host.plane.changes.until("it to say that it drains", () => hello(host)?.draining);
  await host.plane.offer({ blocks: [command("other", "true")] });
  await host.plane.changes.until(
    "a refusal",
    () => host.plane.control.of("lease.declined")[0]?.reason === "draining",
  );
  // Far longer than root would take.
  const ticks = coordinator.output("long", "stdout").toString().split("tick").length;
  await coordinator.printed("long", `tick ${ticks + 30}.`);
  expect(host.has("1.1.0")).toBe(false);
  host.append("go", "");
  expect((await coordinator.finished("long")).outcome).toEqual({ type: "exited", exitCode: 0 });
  coordinator.release();
  await host.connectedAs("1.1.0");
  expect(hello(host)?.draining).toBe(false);
});

describe("[S17] a version that does not come up is taken back, told of, and not tried again", () => {
  it.each([
    ["that ends as soon as it is started", "1.2.0", /it came down \d+ times/],
    ["that runs and never connects", "1.3.0", /it did not connect within 6 s/],
  ])("%s", async (_, version, reason) => {
    const host = await boot(AUTO);
    want(host, version);
    await host.updaterSaid("is taken back");
    await host.connectedAs("1.0.0");
    await host.plane.changes.until("the control plane to hear of it", () => hello(host)?.update?.problem);
    expect(hello(host)?.update?.problem).toEqual({ version, reason: expect.stringMatching(reason) });
    expect([await host.current(), host.link("proven"), host.has(version), host.has("trial.json")]).toEqual([
      ...["1.0.0", "1.0.0", false, false],
    ]);
    await host.logged("was tried here and did not come up");
    expect((await host.command("status")).output).toMatch(`${version} was tried and taken back`);
    want(host, "1.1.0");
    await host.connectedAs("1.1.0");
  });
});

describe("[S17] root's part, killed at any moment, leaves a version that works and is then finished", () => {
  it.each<[string, (host: InstalledHost) => boolean]>([
    ["while it takes the release in", (host) => host.has(".incoming/update/release.tar.gz")],
    ["while it unpacks", (host) => host.has("1.1.0.new")],
    ["when the folder is there", (host) => host.has("1.1.0")],
    ["when the trial is written down", (host) => host.has("trial.json")],
    ["when the link is turned", (host) => host.link("current") === "1.1.0"],
    ["when it has proven itself", (host) => host.link("proven") === "1.1.0"],
  ])("%s", async (_, when) => {
    const host = await boot(AUTO);
    host.killWhen = () => when(host);
    want(host, "1.1.0");
    await host.changes.until("the kill, or its end", () => host.kills === 1 || host.report() !== "");
    expect(["1.0.0", "1.1.0"]).toContain(await host.current());
    await host.connectedAs("1.1.0");
    await host.changes.until("its end", () => !host.has("trial.json") && host.report().includes("installed"));
    expect([await host.current(), host.link("proven")]).toEqual(["1.1.0", "1.1.0"]);
  });
});

describe("[S17] root believes nothing that the agent's user has left for it", () => {
  const path = (host: InstalledHost, name: string) => join(host.root, "state/update", name);
  /** As a step could, which runs as the agent's user. */
  const leave = (host: InstalledHost, version: string, asked = version) => {
    for (const name of ["release.json", "release.json.sig"]) {
      writeFileSync(path(host, name), releases.file(`/releases/${version}/${name}`) ?? "");
    }
    const archive = releases.file(`/releases/${version}/farhand-agent-${version}-node.tar.gz`);
    writeFileSync(path(host, "release.tar.gz"), archive ?? "");
    writeFileSync(path(host, "draft"), JSON.stringify({ id: "r1", version: asked }));
  };
  const ask = (host: InstalledHost) => renameSync(path(host, "draft"), path(host, "request.json"));
  const replace = (host: InstalledHost, name: string, command: string) => {
    rmSync(path(host, name));
    execFileSync("sh", ["-c", command], { cwd: join(host.root, "state/update") });
  };

  it.each<[string, string, string, (host: InstalledHost) => void, string]>([
    [
      "what the policy forbids",
      "{mode: off}",
      "1.0.0",
      (host) => leave(host, "1.1.0"),
      "the policy of this host says off",
    ],
    ["what only a person may install", "{}", "1.0.0", (host) => leave(host, "1.1.0"), "a person installs it"],
    ["a step back", AUTO, "1.1.0", (host) => leave(host, "1.0.0"), "wants an older version"],
    [
      "a step back under another name",
      AUTO,
      "1.1.0",
      (host) => leave(host, "1.0.0", "1.2.0"),
      "what was served for it is 1.0.0",
    ],
    ["what somebody else signed", AUTO, "1.0.0", (host) => leave(host, "1.4.0"), "its signature is not from"],
    [
      "another program",
      ...([AUTO, "1.0.0"] as const),
      (host) => {
        leave(host, "1.1.0");
        writeFileSync(path(host, "release.tar.gz"), "another");
      },
      "is not the file that the release lists",
    ],
    [
      "a link elsewhere",
      ...([AUTO, "1.0.0"] as const),
      (host) => {
        leave(host, "1.1.0");
        replace(host, "release.tar.gz", "ln -s /etc/passwd release.tar.gz");
      },
      "ELOOP",
    ],
    [
      "a pipe that never ends",
      ...([AUTO, "1.0.0"] as const),
      (host) => {
        leave(host, "1.1.0");
        replace(host, "release.json", "mkfifo release.json");
      },
      "is not a file",
    ],
    [
      "a path for a version",
      ...([AUTO, "1.0.0"] as const),
      (host) => leave(host, "1.1.0", "../../etc"),
      "nothing is asked for",
    ],
  ])("%s", async (_, update, version, prepare, words) => {
    const host = await boot(update, version);
    prepare(host);
    ask(host);
    await host.updaterSaid(words);
    expect([await host.current(), host.link("proven"), host.has(".incoming")]).toEqual([
      version,
      version,
      false,
    ]);
  });
});

it("[S17] with a full disk it stays what it is, and says so", async ({ skip }) => {
  let folder = "";
  const host = await InstalledHost.boot({
    ...{ releases, update: AUTO },
    mount: (path) => {
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", path], { stdio: "ignore" });
        folder = path;
      } catch {
        skip("needs the right to mount");
      }
    },
  });
  hosts.push(host);
  try {
    // All but what a report takes.
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(join(folder, "filler"), Buffer.alloc(bavail * bsize - 64 * 1024));
    want(host, "1.1.0");
    await host.logged(`the disk that holds ${folder} is full`);
    expect([await host.current(), host.has("1.1.0"), host.has("1.1.0.new"), host.has(".incoming")]).toEqual([
      ...["1.0.0", false, false, false],
    ]);
  } finally {
    execFileSync("umount", ["-l", folder]);
  }
});

describe("`farhand-agent update`, for people", () => {
  const newest = (host: InstalledHost, version: string) => {
    host.plane.serves = (path) =>
      path === "/releases/latest.json" ? Buffer.from(JSON.stringify({ version })) : releases.file(path);
  };

  it("says what there is, and installs it when it is told to, whatever mode and window say", async () => {
    const host = await boot("{mode: off}");
    newest(host, "1.1.0");
    const before = host.files();
    expect(await host.command("update", "--check")).toEqual({
      code: 0,
      output: [
        "This is 1.0.0; the newest release is 1.1.0: the policy of this host says off.",
        "--now would install 1.1.0, once what runs here has ended.",
      ].join("\n"),
    });
    expect(host.files()).toEqual(before);
    const { code, output } = await host.command("update", "--now", "--units", join(host.root, "units"));
    expect([code, output]).toEqual([0, expect.stringContaining("1.1.0 is installed; 1.0.0 is kept")]);
    await host.connectedAs("1.1.0");
    expect((await host.command("update")).output).toContain(
      "this is the version that the control plane wants",
    );
  });

  it("lets what runs come to its end first, and takes nothing new meanwhile", async () => {
    const host = await boot("{mode: off}");
    newest(host, "1.1.0");
    const script = `echo up; while [ ! -e ${host.root}/go ]; do sleep 0.1; done`;
    const { coordinator } = await host.plane.offer({ blocks: [command("long", script)] });
    await coordinator.printed("long", "up");
    const updated = host.command("update", "--now", "--units", join(host.root, "units"));
    await host.plane.changes.until("it to say that it drains", () => hello(host)?.draining);
    await host.plane.offer({ blocks: [command("other", "true")] });
    await host.plane.changes.until(
      "a refusal",
      () => host.plane.control.of("lease.declined")[0]?.reason === "draining",
    );
    expect([await host.current(), host.has("trial.json")]).toEqual(["1.0.0", false]);
    host.append("go", "");
    expect((await coordinator.finished("long")).outcome).toEqual({ type: "exited", exitCode: 0 });
    coordinator.release();
    expect(await updated).toEqual({ code: 0, output: expect.stringContaining("waiting for what runs here") });
    await host.connectedAs("1.1.0");
    expect(hello(host)?.draining).toBe(false);
  });

  it("given up while it waits, it changes nothing, and the agent takes work again", async () => {
    const host = await boot("{mode: off}");
    newest(host, "1.1.0");
    const script = `echo up; while [ ! -e ${host.root}/go ]; do sleep 0.1; done`;
    const { coordinator } = await host.plane.offer({ blocks: [command("long", script)] });
    await coordinator.printed("long", "up");
    const stop = new AbortController();
    const updated = host.commandUntil(stop.signal, "update", "--now");
    await host.plane.changes.until("it to say that it drains", () => hello(host)?.draining);
    stop.abort();
    await updated;
    await host.plane.changes.until("it to take work again", () => hello(host)?.draining === false);
    expect([await host.current(), host.has("trial.json"), host.has(".incoming")]).toEqual([
      ...["1.0.0", false, false],
    ]);
    host.append("go", "");
    expect((await coordinator.finished("long")).outcome).toEqual({ type: "exited", exitCode: 0 });
  });

  it("[S17] stays with a pinned version, and goes back when the new one does not come up", async () => {
    const host = await boot("{mode: off, pin: 1.0.0}");
    newest(host, "1.2.0");
    expect((await host.command("update", "--now")).output).toBe("1.0.0 runs here, and 1.0.0 is not newer.");
    host.writePolicy("{mode: off}");
    const { code, output } = await host.command("update", "--now", "--units", join(host.root, "units"));
    expect([code, output]).toEqual([1, expect.stringContaining("1.2.0 did not come up: 1.0.0 runs again")]);
    await host.connectedAs("1.0.0");
  });

  it("says when it cannot: not enrolled, not installed, nobody to ask", async () => {
    const host = await boot("{mode: off}");
    expect(await host.command("update", "--check")).toMatchObject({
      code: 1,
      output: expect.stringContaining("which release is the newest"),
    });
    newest(host, "1.1.0");
    const elsewhere = await host.command("update", "--now", "--installation", host.root);
    expect(elsewhere).toMatchObject({
      code: 1,
      output: expect.stringContaining("replace the container, the package"),
    });
    const nobody = await host.command("update", "--state", join(host.root, "nothing"));
    expect(nobody).toMatchObject({ code: 78, output: expect.stringContaining("this host is not enrolled") });
    host.writePolicy(AUTO);
    const copy = join(host.root, "copy");
    await host.command("enroll", "--url", host.plane.url, "--token", "t", "--state", copy);
    const { output: apart } = await host.command("status", "--state", copy, "--installation", host.root);
    expect(apart).toMatch(/^update +notify: the policy says auto, but this agent was not installed/m);
    const running = async () => (await host.command("status", "--installation", host.root)).output;
    expect(await running()).toMatch(/^update +off$/m);
    host.reload();
    await expect.poll(running).toMatch(/^update +auto$/m);
    expect((await host.command("update", "--now", "--check")).code).toBe(2);
  });
});
