import { describe, expect, it } from "vitest";
import { z } from "zod";
import { LOCAL_OPTIONS, POLICY_OPTIONS } from "../config.ts";
import { EXIT, Failure } from "../failure.ts";
import { wordsOf } from "../log.ts";
import { command, text, texts, yes } from "./command.ts";
import { COMMANDS } from "./index.ts";

/** What a command with these options gets. */
async function configOf(args: string[], env: Record<string, string> = {}): Promise<unknown> {
  let got: unknown;
  const trial = command({
    options: {
      workDir: text(z.string().optional(), "FARHAND_WORK_DIR"),
      label: texts(z.string()),
      wait: yes(),
      ...POLICY_OPTIONS,
    },
    word: { schema: z.string().optional(), tooMany: "one is enough" },
    run: async (config, word) => {
      got = { ...config, word };
    },
  });
  expect(await trial.run(args, env)).toBe(EXIT.ok);
  return got;
}

const asked = (args: string[], env?: Record<string, string>) =>
  configOf(args, env).catch((error: unknown) => error);
const said = async (args: string[]) => wordsOf(await asked(args));
const wrongly = (words: string) => new Failure(words, EXIT.usage);

describe("a command", () => {
  it("takes a flag before its variable, and what it is by itself after both", async () => {
    const env = { FARHAND_WORK_DIR: "/b", FARHAND_OWN_POLICY: "true" };
    const rest = { label: [], wait: false, policy: undefined, word: undefined };
    expect(await asked(["--work-dir", "/a"], env)).toEqual({ ...rest, workDir: "/a", ownPolicy: true });
    expect(await asked([], env)).toEqual({ ...rest, workDir: "/b", ownPolicy: true });
    expect(await asked([])).toEqual({ ...rest, workDir: undefined, ownPolicy: false });
  });

  it("takes some flags often, and one word", async () => {
    const config = await asked(["--label", "a=1", "plan.json", "--label", "b=2", "--wait"]);
    expect(config).toMatchObject({ label: ["a=1", "b=2"], wait: true, word: "plan.json" });
  });

  it.each([
    [["--work-dir="], {}, "--work-dir may not be empty"],
    [[], { FARHAND_WORK_DIR: "" }, "FARHAND_WORK_DIR may not be empty"],
    [[], { FARHAND_OWN_POLICY: "maybe" }, "FARHAND_OWN_POLICY must be true or false"],
  ])("says what is wrong about %j with %j", async (args, env, words) => {
    expect(await asked(args, env)).toEqual(wrongly(words));
  });

  it("says what is wrong about words and flags that it does not take, and where to look", async () => {
    expect(await said(["a", "b"])).toMatch(/^one is enough; see .* --help$/);
    expect(await said(["--wait-not"])).toMatch(/^Unknown option '--wait-not'.* --help$/);
  });

  it("takes a number below zero for one, and says how a value that begins with a dash is written", async () => {
    expect(await asked(["--work-dir", "-1"])).toMatchObject({ workDir: "-1" });
    expect(await said(["--work-dir", "--wait"])).toMatch(
      /^--work-dir stands without a value; one that begins with a dash is written --work-dir=-…; see .* --help$/,
    );
    expect(await asked(["--label", "-1", "--", "-2"])).toMatchObject({ label: ["-1"], word: "-2" });
  });

  it("does nothing when it is only asked for help", async () => {
    const never = command({ options: LOCAL_OPTIONS, run: () => expect.unreachable() });
    expect(await never.run(["-h"], {})).toBeUndefined();
  });
});

/** Such as `--ca`, of all that a usage shows. */
const flagsIn = (usage: string) => usage.match(/--[a-z-]+/g) ?? [];

it.each(Object.entries(COMMANDS))("the help tells no flag that %s does not take", async (_, load) => {
  const each = await load();
  for (const flag of flagsIn(each.usage)) {
    const said = each.run([flag, "--nonsense"], {}).catch(({ message }) => message);
    expect(await said).not.toContain(`Unknown option '${flag}'`);
  }
});
