import { describe, expect, test } from "vitest";
import { open } from "../harness/files.ts";
import type { Frame } from "../harness/frameProxy.ts";
import { runbookOf } from "../harness/tenant.ts";
import { worldForFile } from "../harness/world.ts";

const world = worldForFile();

/** Lines that can be told apart, one chunk each. */
const COUNT = "for n in $(seq 60); do echo line $n; sleep 0.01; done";
const COUNTED = Array.from({ length: 60 }, (_, index) => `line ${index + 1}\n`).join("");

function saying(direction: Frame["direction"], type: string): (frame: Frame) => boolean {
  return (frame) => frame.direction === direction && frame.text.includes(`"type":"${type}"`);
}

const isOutput = (frame: Frame) => frame.direction === "up" && frame.binary;

describe("[G13] single frames go astray", () => {
  test.each(["drop", "repeat", "reorder", "corrupt"] as const)(
    "[OT3] [OT4] [fault 17] %s of output: the stored output is what was printed",
    async (treat) => {
      const tenant = await world().signUp();
      const proxy = await world().frameProxy();
      await world().startAgent(tenant, { url: proxy.url });
      let seen = 0;
      proxy.add({ when: (frame) => isOutput(frame) && seen++ % 4 === 2, treat, times: 6 });
      const execution = await tenant.run(runbookOf({ count: COUNT }));
      expect((await execution.finished()).state).toBe("succeeded");
      expect(await execution.stored("count")).toBe(COUNTED);
      expect(execution.stdout("count")).toBe(COUNTED);
      expect(proxy.treated.length).toBeGreaterThan(0);
    },
  );

  test.each([
    ["[CM1] [fault 12] an offer", "down", "lease.offer"],
    ["[CM1] an acceptance", "up", "lease.accepted"],
    ["[CM1] [fault 12] the start of a later step", "down", "step.start"],
    ["the news of a start", "up", "step.started"],
    ["[ST3] the news of an end", "up", "step.finished"],
    ["the word that an end is recorded", "down", "step.recorded"],
  ] as const)("%s is lost: each step still runs once", async (_what, direction, type) => {
    const tenant = await world().signUp();
    const proxy = await world().frameProxy();
    await world().startAgent(tenant, { url: proxy.url });
    const oracle = world().oracle();
    proxy.add({ when: saying(direction, type), treat: "drop", times: 1 });
    const execution = await tenant.run(runbookOf({ first: oracle.line, second: oracle.line }));
    expect((await execution.finished()).state).toBe("succeeded");
    expect(oracle.runs().map((run) => run.step)).toEqual(["first", "second"]);
    expect(proxy.treated).toHaveLength(1);
  });

  test.each(["lease.offer", "step.start"])(
    "[CM2] %s arrives twice: each step still runs once",
    async (type) => {
      const tenant = await world().signUp();
      const proxy = await world().frameProxy();
      await world().startAgent(tenant, { url: proxy.url });
      const oracle = world().oracle();
      proxy.add({ when: saying("down", type), treat: "repeat" });
      const execution = await tenant.run(runbookOf({ first: oracle.line, second: oracle.line }));
      expect((await execution.finished()).state).toBe("succeeded");
      expect(oracle.runs().map((run) => run.step)).toEqual(["first", "second"]);
      expect(proxy.treated.length).toBeGreaterThan(0);
    },
  );

  test("[G7] [fault 13] a lost cancel is sent again", async () => {
    const tenant = await world().signUp();
    const proxy = await world().frameProxy();
    await world().startAgent(tenant, { url: proxy.url });
    proxy.add({ when: saying("down", "step.cancel"), treat: "drop", times: 1 });
    const execution = await tenant.run(runbookOf({ long: "echo up; exec sleep 300" }));
    await execution.printed("long", "up");
    await tenant.api.raw("POST", `/api/v1/executions/${execution.id}/cancel`);
    const finished = await execution.finished();
    expect([finished.state, finished.confirmed]).toEqual(["canceled", true]);
    expect(proxy.treated).toHaveLength(1);
  });

  test("the socket is cut right before a result: it is told over the next one", async () => {
    const tenant = await world().signUp();
    const proxy = await world().frameProxy();
    await world().startAgent(tenant, { url: proxy.url });
    const oracle = world().oracle();
    const gate = world().newFolder("gate");
    proxy.add({ when: saying("up", "step.finished"), treat: "cut", times: 2 });
    const execution = await tenant.run(
      runbookOf({ only: `${oracle.line}; echo up; until [ -e '${gate}' ]; do sleep 0.02; done` }),
    );
    await execution.printed("only", "up");
    await open(gate);
    expect((await execution.finished()).state).toBe("succeeded");
    expect(oracle.runs()).toHaveLength(1);
    expect(proxy.treated).toHaveLength(2);
  });
});
