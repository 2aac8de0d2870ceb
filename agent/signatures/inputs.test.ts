import { expect, it } from "vitest";
import type { CommandBlock } from "#protocol/blocks/index.ts";
import { NOW, person, plannedBy } from "../testing/signed-plan.ts";
import { inputProblem } from "./inputs.ts";

it("[S6] an expression over parameters that comes to nothing leaves no room for what the control plane likes", async () => {
  const plan = { ...(await plannedBy(await person("EdDSA"))), parameters: { count: 0 }, expiresAt: NOW };
  const problem = (expr: string) => {
    const block: CommandBlock = {
      ...{ kind: "command", id: "a", interpreter: "sh", script: 'echo "$X"', env: { X: { expr } } },
    };
    return inputProblem(block, new Map([["env/X", "--force"]]), plan)?.code;
  };
  expect(problem("1 / int(params.count)")).toBe("input_changed");
  expect(problem("int(params.count) +")).toBe("input_changed");
  expect(problem("params.count")).toBe("input_changed");
  // What looks elsewhere is left to the control plane (docs/signatures.md).
  expect(problem("1 / steps.a.outputs.x")).toBeUndefined();
});
