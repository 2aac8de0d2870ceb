/** Every runbook of docs/examples/ on real agents, several of them with failures on purpose. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executionStateNowSchema } from "#protocol/api/executions.ts";
import type { FollowedExecution } from "../harness/execution.ts";
import type { Tenant } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const EXAMPLES = join(import.meta.dirname, "../../docs/examples");
const world = worldForFile();
let tenant: Tenant;
const closing: (() => void)[] = [];
const tried = new Set<string>();

beforeAll(async () => {
  tenant = await world().signUp();
  for (const name of ["web-1", "web-2", "web-3"]) {
    await world().startAgent(tenant, { name, slots: 8, labels: { role: "web" } });
  }
}, 60_000);

afterAll(() => {
  for (const close of closing) close();
});

function example(name: string): string {
  tried.add(`${name}.md`);
  return readFileSync(join(EXAMPLES, `${name}.md`), "utf8");
}

function folder(files: Record<string, string> = {}): string {
  const path = world().newFolder("example");
  mkdirSync(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

/** Answers a step as the person, once it waits. */
async function answer(
  execution: FollowedExecution,
  step: string,
  verb: string,
  body: object = {},
): Promise<void> {
  await execution.event("step.waiting", (event) => event.step === step);
  const path = `/executions/${execution.id}/steps/${step}/${verb}`;
  await tenant.session.call(executionStateNowSchema, "POST", path, { body });
}

async function states(execution: FollowedExecution): Promise<Record<string, string>> {
  const { steps } = await execution.read();
  return Object.fromEntries(steps.map(({ id, state }) => [id, state]));
}

/** A server on this machine that plays what a runbook talks to. */
async function serve(answers: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answers);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A control script like those of init systems; its nth start fails when it is told so. Starts at once are told apart: mkdir succeeds for one. */
function service(failAt = 0): string {
  const path = folder({
    service: `#!/bin/sh
here=$(dirname "$0")
case $1 in
  start)
    n=1
    until mkdir "$here/start-$n" 2> /dev/null; do n=$((n + 1)); done
    [ "$n" -ne ${failAt} ] || exit 1
    touch running ;;
  stop) rm -f running ;;
  status) test -e running ;;
esac
`,
  });
  chmodSync(join(path, "service"), 0o755);
  return join(path, "service");
}

describe("a rolling restart with a canary", () => {
  it("goes through every host in batches, each on its own agent", async () => {
    const run = await tenant.run(example("rolling-restart"), {
      parameters: { service: service(), version: "2.1" },
    });
    expect(await run.finished()).toMatchObject({ state: "succeeded", confirmed: true });
    const { steps } = await run.read();
    const restarted = steps.filter(({ id }) => id.startsWith("restart~"));
    expect(new Set(restarted.map(({ agentName }) => agentName))).toEqual(
      new Set(["web-1", "web-2", "web-3"]),
    );
    expect(await run.stored("report")).toContain("web tier at 2.1");
  });

  it("takes it back when a host does not come up, and begins no further host", async () => {
    const run = await tenant.run(example("rolling-restart"), {
      parameters: { service: service(2), version: "2.2" },
    });
    const end = await run.finished();
    expect(end).toMatchObject({ state: "failed" });
    const seen = await states(run);
    expect(seen["canary-back"]).toBe("succeeded");
    expect(
      Object.entries(seen).filter(([id, state]) => id.startsWith("restart~") && state === "failed"),
    ).toHaveLength(1);
    expect(Object.keys(seen).filter((id) => id.startsWith("drain~"))).toHaveLength(2);
    expect(seen.report).toBe("succeeded");
  });
});

describe("a certificate", () => {
  function certificate(days: number): string {
    const path = folder();
    const files = ["-keyout", join(path, "key.pem"), "-out", join(path, "cert.pem")];
    const subject = ["-subj", "/CN=old.example.com", "-days", String(days)];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files], {
      stdio: "ignore",
    });
    return path;
  }

  it("is renewed when it runs out soon", async () => {
    const directory = certificate(5);
    const run = await tenant.run(example("certificate-renewal"), {
      parameters: { directory, name: "new.example.com" },
    });
    expect(await run.finished()).toMatchObject({ state: "succeeded" });
    const subject = execFileSync("openssl", [
      "x509",
      "-in",
      join(directory, "cert.pem"),
      "-noout",
      "-subject",
    ]);
    expect(String(subject)).toContain("new.example.com");
  });

  it("is left alone when it is good for long", async () => {
    const run = await tenant.run(example("certificate-renewal"), {
      parameters: { directory: certificate(200), name: "new.example.com" },
    });
    await run.finished();
    expect(await states(run)).toMatchObject({ "not-due": "succeeded" });
    expect(await states(run)).not.toHaveProperty("renew");
  });
});

describe("a full disk", () => {
  it("is looked at by a person, then room is made", async () => {
    const path = folder({ "app/big.log": "x".repeat(3_000_000), "app/small.log": "x" });
    const run = await tenant.run(example("disk-full"), { parameters: { folder: path, megabytes: 1 } });
    await answer(run, "look", "acknowledge", { values: { ticket: "INC-7" } });
    expect(await run.finished()).toMatchObject({ state: "succeeded" });
    expect(existsSync(join(path, "app/big.log.gz"))).toBe(true);
    expect(await run.stored("compress")).toContain("for INC-7");
  });

  it("asks nobody when nothing is large", async () => {
    const run = await tenant.run(example("disk-full"), { parameters: { folder: folder({ "a.log": "x" }) } });
    expect(await run.finished()).toMatchObject({ state: "succeeded" });
    expect(await states(run)).toMatchObject({ look: "skipped", compress: "skipped", enough: "succeeded" });
  });
});

describe("a failover of the database", () => {
  // There is one person in this organization, who may agree here to what he asked for.
  const alone = () =>
    example("database-failover").replace("required: 2", "required: 1\n    allow-requester: true");

  async function failover(files: Record<string, string>) {
    const directory = folder({ primary: "db-1\n", ...files });
    const run = await tenant.run(alone(), { parameters: { directory, replica: "db-2" } });
    const { planDigest } = await run.read();
    await answer(run, "agree", "approve", { planDigest });
    await answer(run, "fence", "confirm");
    return { end: await run.finished(), run, directory };
  }

  it("moves the primary once people agreed", async () => {
    const { end, directory } = await failover({});
    expect(end).toMatchObject({ state: "succeeded" });
    expect(readFileSync(join(directory, "primary"), "utf8")).toBe("db-2\n");
    expect(existsSync(join(directory, "read-only"))).toBe(false);
  });

  it("goes back when the new primary takes no writes", async () => {
    const { end, run, directory } = await failover({ "broken-db-2": "" });
    expect(end).toMatchObject({ state: "failed" });
    expect(await states(run)).toMatchObject({
      demote: "succeeded",
      unfence: "succeeded",
      after: "succeeded",
    });
    expect(readFileSync(join(directory, "primary"), "utf8")).toBe("db-1\n");
    expect(existsSync(join(directory, "read-only"))).toBe(false);
  });

  it("[G19] refuses whoever asked for it, unless the block allows that", async () => {
    const directory = folder({ primary: "db-1\n" });
    const run = await tenant.run(example("database-failover"), {
      parameters: { directory, replica: "db-2" },
    });
    const { planDigest } = await run.read();
    await expect(answer(run, "agree", "approve", { planDigest })).rejects.toThrow("can neither approve");
    await tenant.api.call(executionStateNowSchema, "POST", `/executions/${run.id}/cancel`, { body: {} });
    expect(await run.finished()).toMatchObject({ state: "canceled" });
  });
});

it("an on-call handover asks each question and keeps the answers", async () => {
  const run = await tenant.run(example("on-call-handover"));
  await answer(run, "open-incidents", "acknowledge", { values: { open: 2, worst: "major" } });
  await expect(answer(run, "join-major", "acknowledge")).rejects.toThrow("note");
  await answer(run, "join-major", "acknowledge", { note: "Ada leads" });
  await answer(run, "take-over", "acknowledge", { note: "Bob has it" });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  const { steps } = await run.read();
  expect(steps.find(({ id }) => id === "join-major")?.answers?.[0]).toMatchObject({ note: "Ada leads" });
});

it("logs are collected from every host, and a summary is made of what they found", async () => {
  const path = folder({ "app.log": "fine\nERROR one\nERROR two\n" });
  const run = await tenant.run(example("collect-logs"), { parameters: { file: join(path, "app.log") } });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  expect(await run.stored("tail~2")).toContain("ERROR two");
  expect(await run.stored("summary")).toContain("with errors: web-1, web-2, web-3");
});

it("a missing log fails on every host and is told", async () => {
  const run = await tenant.run(example("collect-logs"), { parameters: { file: "/nowhere/app.log" } });
  await run.finished();
  expect(await run.stored("summary")).toContain("not reached or failed: web-1, web-2, web-3");
});

it("services are asked for their health from inside, and an ill one is told apart", async () => {
  const base = await serve((request, response) => {
    const isWell = request.url?.startsWith("/users");
    response.writeHead(isWell ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ version: "1.4" }));
  });
  const run = await tenant.run(example("health-check"), { parameters: { base, services: "users,orders" } });
  await run.finished();
  expect(await states(run)).toMatchObject({ "ask~0": "succeeded", "ask~1": "failed", verdict: "succeeded" });
  expect((await run.stored("verdict")).trim()).toBe("users is well, version 1.4");
});

it("a backup is restored beside the original, compared on all branches and cleaned up", async () => {
  const path = folder({ "a/b.txt": "one", "c.txt": "two" });
  const run = await tenant.run(example("backup-drill"), { parameters: { folder: path } });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  expect(await states(run)).toMatchObject({
    "same-content": "succeeded",
    "same-checksum": "succeeded",
    clean: "succeeded",
  });
});

it("a maintenance window waits, then runs the restart as an execution of its own", async () => {
  await tenant.runbook(example("rolling-restart").replace("with a canary", "for the window"));
  const source = example("maintenance-window").replace("with a canary", "for the window");
  const run = await tenant.run(source, { parameters: { service: service(), version: "3.0" } });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  const child = (await run.read()).steps.find(({ id }) => id === "restart-web");
  expect(child).toMatchObject({ state: "succeeded", executionId: expect.stringMatching(/^exe_/) });
});

it("somebody's access is taken away in all places, and a person confirms what cannot be undone", async () => {
  const directory = folder({ "keys/eve.pub": "k", admins: "ada\neve\n", "home/eve/notes.txt": "n" });
  const run = await tenant.run(example("offboarding"), { parameters: { person: "eve", directory } });
  await answer(run, "remove-home", "confirm");
  await answer(run, "laptop", "acknowledge", { note: "L-12, B-7" });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  expect(readFileSync(join(directory, "admins"), "utf8")).toBe("ada\n");
  expect(existsSync(join(directory, "home/eve"))).toBe(false);
  expect(existsSync(join(directory, "eve.tar.gz"))).toBe(true);
});

describe("a backlog", () => {
  it("[G2] is worked off after some tries", async () => {
    const directory = folder({ needed: "3" });
    const run = await tenant.run(example("queue-backlog"), { parameters: { directory } });
    expect(await run.finished()).toMatchObject({ state: "succeeded" });
    const { steps } = await run.read();
    expect(steps.find(({ id }) => id === "requeue")).toMatchObject({ attempt: 3, state: "succeeded" });
    expect(readFileSync(join(directory, "tries"), "utf8").trim()).toBe("3");
  });

  it("is handed to a person when trying does not help", async () => {
    const directory = folder({ needed: "9" });
    const run = await tenant.run(example("queue-backlog"), { parameters: { directory } });
    await answer(run, "by-hand", "acknowledge", { note: "poison message removed" });
    expect(await run.finished()).toMatchObject({ state: "succeeded" });
    expect(readFileSync(join(directory, "tries"), "utf8").trim()).toBe("4");
  });
});

describe("a feature", () => {
  async function rollout(rateAt: (percent: number) => number) {
    let percent = 0;
    const set: number[] = [];
    const flags = await serve((request, response) => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        if (request.method === "PUT") {
          percent = Number(JSON.parse(body).percent);
          set.push(percent);
        }
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(request.url === "/errors" ? { rate: rateAt(percent) } : { percent }));
      });
    });
    const run = await tenant.run(example("feature-rollout"), { parameters: { flags, feature: "dark-mode" } });
    return { end: await run.finished(), set };
  }

  it("is rolled out in stages", async () => {
    const { end, set } = await rollout(() => 0.01);
    expect(end).toMatchObject({ state: "succeeded" });
    expect(set).toEqual([0, 1, 10, 50, 100]);
  });

  it("is turned off again when errors rise", async () => {
    const { end, set } = await rollout((percent) => (percent >= 50 ? 0.2 : 0.01));
    expect(end).toMatchObject({ state: "failed" });
    expect(set).toEqual([0, 1, 10, 50, 0]);
  });
});

it("a request from the edge takes values from its answer, and shows what was said without its secrets", async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"status":"green"}');
  });
  const source = `# Edge

\`\`\`farhand
kind: api
name: ask
from: edge
url: ${url}/state
headers: { authorization: Bearer hush-hush }
outputs: { status: /status }
\`\`\`
`;
  const run = await tenant.run(source);
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  expect((await run.read()).steps[0]).toMatchObject({ values: { status: "green" } });
  const output = await run.stored("ask");
  expect(output).toContain('{"status":"green"}');
  expect(output).not.toContain("hush-hush");
});

it("an inventory has a row for each agent", async () => {
  const run = await tenant.run(example("fleet-inventory"));
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
  const rows = await Promise.all([0, 1, 2].map((n) => run.stored(`row~${n}`)));
  expect(rows.map((row) => row.split(/\s+/)[0])).toEqual(["web-1", "web-2", "web-3"]);
});

it("the first example runs as it is", async () => {
  const run = await tenant.run(example("hello"), { parameters: { beats: 1 } });
  expect(await run.finished()).toMatchObject({ state: "succeeded" });
});

it("has tried every example", () => {
  expect([...tried].sort()).toEqual(readdirSync(EXAMPLES).sort());
});
