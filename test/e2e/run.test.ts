import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { executionSummarySchema } from "#protocol/api/executions.ts";
import { apiKeyCreatedSchema } from "#protocol/api/keys.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

describe("an execution from the API to an agent's shell and back", () => {
  test("curl with an API key starts a run and follows it over server-sent events to the end", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const oracle = world().oracle();
    const runbookId = await tenant.runbook(
      runbookOf({ first: `${oracle.line}; echo one; echo two >&2`, second: `${oracle.line}; echo three` }),
    );
    const { stdout } = await execa("curl", [
      ...["--silent", "--fail", "--no-buffer", "--max-time", "20"],
      ...["--header", `X-API-Key: ${tenant.apiKey}`, "--header", "Accept: text/event-stream"],
      ...["--header", "Content-Type: application/json", "--data", "{}"],
      `${world().url}/api/v1/runbooks/${runbookId}/executions`,
    ]);
    const names = stdout.split("\n").filter((line) => line.startsWith("event: "));
    expect(names[0]).toBe("event: execution.created");
    expect(names.at(-1)).toBe("event: execution.finished");
    const [, first = ""] = /^data: (.*)$/m.exec(stdout) ?? [];
    const { executionId, url } = JSON.parse(first);
    expect(url).toBe(`/api/v1/executions/${executionId}`);
    expect(await tenant.api.call(executionSummarySchema, "GET", `/executions/${executionId}`)).toMatchObject({
      runbookId,
    });
    const outputs = stdout
      .split("\n")
      .filter((line) => line.includes('"stream"'))
      .join("\n");
    for (const text of ["one\\n", "two\\n", "three\\n"]) expect(outputs).toContain(text);
    expect(oracle.runs().map((run) => run.step)).toEqual(["first", "second"]);
  });

  test("curl -N shows the output as plain text while the step still runs, and ends with the execution", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const gate = world().newFolder("gate");
    const runbookId = await tenant.runbook(
      runbookOf({ slow: `echo early; until [ -e '${gate}' ]; do sleep 0.05; done; echo late` }),
    );
    const curl = execa("curl", [
      ...["--silent", "--fail", "-N", "--max-time", "20", "--header", `X-API-Key: ${tenant.apiKey}`],
      ...["--header", "Accept: text/plain", "--header", "Content-Type: application/json", "--data", "{}"],
      `${world().url}/api/v1/runbooks/${runbookId}/executions`,
    ]);
    const lines: string[] = [];
    for await (const line of curl) {
      lines.push(line);
      if (line === "early") await execa("touch", [gate]);
    }
    expect(lines).toEqual(["early", "late"]);
  });

  test("[S12] curl is told that a stream is not whole when its key was revoked meanwhile", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const execution = await tenant.run(runbookOf({ slow: "echo early; sleep 30" }));
    const body = { name: "short", scopes: ["executions:read"] };
    const made = await tenant.session.call(apiKeyCreatedSchema, "POST", "/api-keys", { body });
    const curl = execa("curl", [
      ...["--silent", "--fail", "-N", "--max-time", "20", "--header", `X-API-Key: ${made.key}`],
      `${world().url}/api/v1/executions/${execution.id}/output?follow=1`,
    ]);
    const lines: string[] = [];
    const reading = (async () => {
      for await (const line of curl) {
        lines.push(line);
        await tenant.session.call(z.object({ id: z.string() }), "DELETE", `/api-keys/${made.id}`);
      }
    })();
    // 18: a partial answer.
    await expect(reading).rejects.toMatchObject({ exitCode: 18 });
    expect(lines).toEqual(["early"]);
  });

  test("output arrives while the step still runs, and all of it is kept as text", async () => {
    const tenant = await world().signUp();
    const agent = await world().startAgent(tenant);
    const gate = world().newFolder("gate");
    const execution = await tenant.run(
      runbookOf({ slow: `echo early; until [ -e '${gate}' ]; do sleep 0.05; done; echo late` }),
    );
    await execution.printed("slow", "early");
    expect(execution.stdout("slow")).toBe("early\n");
    expect((await execution.read()).state).toBe("running");
    await execa("touch", [gate]);
    expect((await execution.finished()).state).toBe("succeeded");
    const whole = await tenant.api.raw("GET", `/api/v1/executions/${execution.id}/output`);
    expect(await whole.text()).toBe("early\nlate\n");
    expect(agent.log.filter((line) => line.level === "error")).toEqual([]);
  });

  test("parameters reach the script as environment, and never as code", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const source = `---
title: Parameters
parameters:
  - { name: who, type: string }
  - { name: count, type: number, default: 3 }
---
\`\`\`bash {name=greet}
printf '%s|%s\\n' "$FARHAND_PARAM_WHO" "$FARHAND_PARAM_COUNT"
\`\`\`
`;
    const who = `$(touch ${world().folder}/sentinel) "; 'ü`;
    const execution = await tenant.run(source, { parameters: { who } });
    await execution.finished();
    expect(await execution.stored("greet")).toBe(`${who}|3\n`);
    const { exitCode } = await execa("ls", [`${world().folder}/sentinel`], { reject: false });
    expect(exitCode).not.toBe(0);
  });

  test("a step that fails ends the execution as failed, and the rest is skipped", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const execution = await tenant.run(runbookOf({ breaks: "exit 7", never: "echo no" }));
    expect((await execution.finished()).state).toBe("failed");
    const { steps } = await execution.read();
    expect(steps.map((step) => [step.id, step.state])).toEqual([
      ["breaks", "failed"],
      ["never", "skipped"],
    ]);
    expect(steps[0]?.outcome).toEqual({ type: "exited", exitCode: 7 });
  });

  test("a step tells the processor time and the memory that it took", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const execution = await tenant.run(
      runbookOf({ busy: "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done" }),
    );
    await execution.finished();
    const { steps } = await execution.read();
    const { userMs = 0, systemMs = 0 } = steps[0]?.usage ?? {};
    expect(userMs + systemMs).toBeGreaterThan(10);
    expect((await execution.event("step.finished")).usage).toEqual(steps[0]?.usage);
  });

  test("[G7] a cancel ends the step and everything it started", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const execution = await tenant.run(runbookOf({ long: "echo up; sleep 300 & wait" }));
    await execution.printed("long", "up");
    await tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
    const finished = await execution.finished();
    expect(finished.state).toBe("canceled");
    expect(finished.confirmed).toBe(true);
  });

  test("an execution without an agent waits its turn, and runs when one comes", async () => {
    const tenant = await world().signUp();
    const execution = await tenant.run(runbookOf({ hello: "echo hello" }));
    expect((await execution.event("lease.queued")).reason).toBe("no_agent_connected");
    await world().startAgent(tenant);
    expect((await execution.finished()).state).toBe("succeeded");
  });
});

test("what an earlier attempt printed can still be read", async () => {
  const tenant = await world().signUp();
  await world().startAgent(tenant);
  const script = 'echo "try $FARHAND_ATTEMPT"; [ "$FARHAND_ATTEMPT" -gt 1 ]';
  const execution = await tenant.run(`\`\`\`bash {name=again idempotent=true retry=2}\n${script}\n\`\`\`\n`);
  expect((await execution.finished()).state).toBe("succeeded");
  const output = (query: string) =>
    tenant.api.raw("GET", `/api/v1/executions/${execution.id}/steps/again/output?${query}`);
  expect(await (await output("attempt=1")).text()).toBe("try 1\n");
  expect(await (await output("")).text()).toBe("try 2\n");
  expect((await output("attempt=3")).status).toBe(404);
});

describe("[G9] one Idempotency-Key and body are one execution", () => {
  test("a hundred at once start one, and its step runs once", async () => {
    const tenant = await world().signUp();
    await world().startAgent(tenant);
    const oracle = world().oracle();
    const runbookId = await tenant.runbook(runbookOf({ once: oracle.line }));
    const path = `/api/v1/runbooks/${runbookId}/executions`;
    const headers = { "idempotency-key": "deploy-2026-11-21" };
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await tenant.api.raw("POST", path, { body: {}, headers });
        const { data } = (await response.json()) as { data: unknown };
        return { status: response.status, id: executionSummarySchema.parse(data).id };
      }),
    );
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(99);
    const [first] = answers;
    const text = await tenant.api.raw("GET", `/api/v1/executions/${first?.id}/output?follow=1`);
    await text.text();
    expect(oracle.runs()).toHaveLength(1);
  });

  test("another body under the same key is a conflict and starts nothing", async () => {
    const tenant = await world().signUp();
    const runbookId = await tenant.runbook(
      `---\nparameters: [{ name: a, type: string }]\n---\n\`\`\`sh\n:\n\`\`\`\n`,
    );
    const path = `/api/v1/runbooks/${runbookId}/executions`;
    const headers = { "idempotency-key": "same" };
    const first = await tenant.api.raw("POST", path, { body: { parameters: { a: "1" } }, headers });
    const second = await tenant.api.raw("POST", path, { body: { parameters: { a: "2" } }, headers });
    expect([first.status, second.status]).toEqual([201, 409]);
    expect(await second.json()).toMatchObject({ code: "idempotency_conflict" });
    // The index follows the coordinators a moment later.
    const list = () => tenant.api.call(z.array(executionSummarySchema), "GET", "/executions");
    await expect.poll(list).not.toHaveLength(0);
    expect(await list()).toHaveLength(1);
  });
});
