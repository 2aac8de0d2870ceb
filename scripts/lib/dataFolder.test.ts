import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataFolder } from "./dataFolder.ts";
import { EXIT } from "./problem.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farhand-data-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a data folder", () => {
  it("is opened again by the version that made it", async () => {
    const { authSecret, release } = await openDataFolder(folder);
    await release();
    const again = await openDataFolder(folder);
    expect(again.authSecret).toBe(authSecret);
    await again.release();
  });

  it.each([
    [1, "an older version"],
    [99, "a newer version"],
  ])("of format %i is of %s: it is left as it is, and that is said", async (format, words) => {
    const path = join(folder, "farhand.json");
    const mark = JSON.stringify({ farhand: "data folder", format });
    await writeFile(path, mark);
    const opened = openDataFolder(folder);
    await expect(opened).rejects.toMatchObject({
      exitCode: EXIT.data,
      message: expect.stringContaining(words),
    });
    await expect(opened).rejects.toThrow("name another folder with --data");
    expect(await readFile(path, "utf8")).toBe(mark);
  });
});
