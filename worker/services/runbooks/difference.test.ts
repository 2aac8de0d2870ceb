import { describe, expect, it } from "vitest";
import type { Block, CommandBlock } from "#protocol/blocks/index.ts";
import { differenceOf } from "./difference.ts";

const command = (id: string, script = "true"): CommandBlock => ({
  kind: "command",
  id,
  interpreter: "sh",
  script,
});
const names = (blocks: { id: string }[]) => blocks.map(({ id }) => id);

describe("the difference between two trees of blocks", () => {
  it("is what was added, removed and changed, with the fields", () => {
    const difference = differenceOf(
      { blocks: [command("a"), command("b"), command("c")] },
      { blocks: [command("a"), command("c", "false"), command("d")], finally: [command("last")] },
    );
    expect(names(difference.added)).toEqual(["d", "last"]);
    expect(names(difference.removed)).toEqual(["b"]);
    expect(difference.changed).toMatchObject([{ id: "c", kind: "command", fields: ["script"] }]);
    expect(difference.moved).toEqual([]);
  });

  it("names the fewest blocks that were moved, and those that lie elsewhere", () => {
    const condition = (then: Block[]): Block => ({ kind: "condition", id: "if", if: "true", then });
    const difference = differenceOf(
      { blocks: [command("a"), command("b"), command("c"), command("x"), condition([])] },
      { blocks: [command("c"), command("a"), command("b"), condition([command("x")])] },
    );
    expect(names(difference.moved)).toEqual(["c", "x"]);
    expect(difference.changed).toEqual([]);
  });

  it("counts what lies in a block for itself, also what undoes it", () => {
    const before: Block = { ...command("a"), compensate: command("undo") };
    const after: Block = { ...command("a"), compensate: command("undo", "rm x") };
    const difference = differenceOf({ blocks: [before] }, { blocks: [after] });
    expect(difference.changed).toMatchObject([{ id: "undo", fields: ["script"] }]);
  });
});
