import { describe, expect, test } from "vitest";
import { parseRunbook } from "./markdown.ts";

/** Warnings of a page as `line:column message`. */
function warningsOf(source: string): string[] {
  const parsed = parseRunbook(source);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.warnings.map((each) => `${each.line}:${each.column} ${each.message}`);
}

const fence = (script: string, language = "bash") => `\`\`\`${language}\n${script}\n\`\`\`\n`;
const END = "take the prompts away, or write the fence as `console`, which is shown and not run";
const PROMPT = `this line begins with a prompt; ${END}`;

describe("a prompt", () => {
  test.each([
    ["$ systemctl restart web", "2:1"],
    ["uptime\n  $ ls", "3:3"],
    ["user@host:~$ ls", "2:1"],
    ["root@db-1:/var/log# tail syslog", "2:1"],
    ["[ada@web ~]$ ls", "2:1"],
    ["(venv) $ pip list", "2:1"],
    ["$ ls\na\nb\n$ cat a", "2:1"],
  ])("is warned of where it first stands: %j", (script, at) => {
    expect(warningsOf(fence(script))).toEqual([`${at} ${PROMPT}`]);
    expect(warningsOf(fence(script, "sh"))).toEqual([`${at} ${PROMPT}`]);
  });

  test("of root looks like a comment, so it counts where there is nothing else", () => {
    expect(warningsOf(fence("# systemctl restart web\n\n# uptime"))).toEqual([
      `2:1 every line here begins with #, so nothing runs; if those are prompts, ${END}`,
    ]);
    expect(warningsOf(fence("# Restart it\nsystemctl restart web"))).toEqual([]);
  });

  test.each([
    "cat <<'EOF'\n$ not a prompt\nroot@x:~# nor this\nEOF",
    "awk '\n$ 1\n' file",
    'echo "\n$ ls\n"',
    "$HOME/bin/x\n$(which ls)\n$X y",
    "git@github.com:a/b.git",
    "ssh ada@host.example.com uptime",
  ])("is none in %j", (script) => {
    expect(warningsOf(fence(script))).toEqual([]);
  });

  test("may stand in what is no shell, and in what is not run", () => {
    for (const language of ["python", "console", "text"])
      expect(warningsOf(fence("$ ls", language))).toEqual([]);
  });
});

describe("a placeholder", () => {
  const words = (written: string, name: string) =>
    `${written} looks like a placeholder; make it a parameter and write "$FARHAND_PARAM_${name}"`;

  test.each([
    ["kubectl -n <namespace> get pods", "2:12", "<namespace>", "NAMESPACE"],
    ["kubectl --namespace=<name-space>", "2:21", "<name-space>", "NAME_SPACE"],
    ["curl https://<host>/health", "2:14", "<host>", "HOST"],
    ["a\nssh {{ host }} uptime", "3:5", "{{ host }}", "HOST"],
    ['curl "https://{{host}}/x"', "2:15", "{{host}}", "HOST"],
    ["rm <FILE>; rm <FILE>", "2:4", "<FILE>", "FILE"],
    ["scp ada@<host>:/tmp/x .", "2:9", "<host>", "HOST"],
  ])("is warned of, once: %j", (script, at, written, name) => {
    expect(warningsOf(fence(script))).toEqual([`${at} ${words(written, name)}`]);
  });

  test("is found in a list, in its own line", () => {
    expect(warningsOf("1. Look\n\n   ```bash\n   ls <dir>\n   ```\n")).toEqual([
      `4:7 ${words("<dir>", "DIR")}`,
    ]);
  });

  test.each([
    "sort <in.txt >out.txt",
    "sort < in > out",
    "wc -l <file",
    "cat <file>/dev/null",
    "diff <(a) <(b)",
    "cat <<EOF\nhello <name> {{ name }}\nEOF\ncat <<-'X' | sed s/a/b/\n\t<a>\n\tX\ntrue",
    "cat <<A <<B\n<x>\nA\n<y>\nB",
    "echo 'usage: x <file> {{host}}'",
    'echo "usage: $0 <file>"',
    "grep -c '<body>' x",
    "ls # of <dir>",
    "docker inspect --format '{{.State}}' {{.Name}}",
    'docker ps --format "{{range .Ports}}{{.}}{{else}}x{{end}}"',
    "if [[ a <b && c> d ]]; then :; fi",
    "cat <<<word; echo $((1 << 2))",
    "echo don\\'t <(ls)",
  ])("is none in %j", (script) => {
    expect(warningsOf(fence(script))).toEqual([]);
  });
});

test("warnings leave the runbook as it is, and errors go before them", () => {
  const parsed = parseRunbook(fence("$ ls"));
  expect(parsed.ok && parsed.document.blocks).toMatchObject([{ script: "$ ls" }]);
  expect(parseRunbook(`${fence("$ ls")}${fence("ls", "bash {timeout=x}")}`).ok).toBe(false);
});
