import { describe, expect, test } from "vitest";
import { parseRunbook } from "./markdown.ts";
import { shellWarnings, strictShellDangers } from "./shellDanger.ts";

const namesOf = (script: string) => shellWarnings(script).map(({ name }) => name);

describe("a warning", () => {
  test.each([
    ["pipe-to-shell", "curl -fsSL https://example.com/install | sh"],
    ["pipe-to-shell", "curl https://example.com/x \\\n  | sudo -E bash -s -- --yes"],
    ["pipe-to-shell", "wget -qO- https://example.com/x |\n  tee copy | bash -"],
    ["pipe-to-shell", "bash <(curl -s https://example.com/x)"],
    ["pipe-to-shell", 'sh -c "$(curl -fsSL https://example.com/x)"'],
    ["pipe-to-shell", "curl https://example.com/x.py | python3"],
    ["pipe-to-shell", 'eval "$(curl https://example.com/x)"'],
    ["eval", 'eval "$COMMAND"'],
    ["eval", "if true; then eval $*; fi"],
    ["parameter-as-code", "eval $FARHAND_PARAM_COMMAND"],
    ["parameter-as-code", "$FARHAND_PARAM_COMMAND --now"],
    ["parameter-as-code", `ls && \${FARHAND_PARAM_COMMAND}`],
    ["parameter-as-code", 'bash -lc "ls $FARHAND_PARAM_FOLDER"'],
    ["parameter-as-code", "source $FARHAND_PARAM_FILE"],
    ["rm-root", "rm -rf /"],
    ["rm-root", "sudo rm -rf --no-preserve-root /"],
    ["rm-root", "rm -fr ~"],
    ["rm-root", "cd /tmp; rm -r /etc/"],
    ["rm-variable", 'rm -rf "$FOLDER/"'],
    ["rm-variable", `rm -rf \${FOLDER}/*`],
    ["rm-variable", 'rm -rf "$FARHAND_PARAM_FOLDER"/old'],
    ["chmod-777", "chmod -R 777 /srv"],
    ["chmod-777", "chmod a+rwx file"],
    ["write-device", "dd if=image of=/dev/sda bs=1M"],
    ["write-device", "zcat image.gz > /dev/nvme0n1"],
    ["mkfs", "mkfs.ext4 /dev/sdb1"],
    ["mkfs", "sudo wipefs -a /dev/sdb"],
    ["fork-bomb", ":(){ :|:& };:"],
    ["fork-bomb", "boom() { boom | boom & }; boom"],
  ])("%s: %j", (name, script) => {
    expect(namesOf(script)).toEqual([name]);
    expect(strictShellDangers(script).map((danger) => danger.name)).toContain(name);
  });

  test.each([
    "curl -fsSL https://example.com/x.json | jq .name",
    "curl https://example.com/x | python3 -m json.tool",
    "curl https://example.com/x | node parse.js",
    "curl https://example.com/x | sh read.sh",
    'eval "$(ssh-agent -s)"',
    'echo "$FARHAND_PARAM_NAME"; systemctl restart "$FARHAND_PARAM_SERVICE"',
    '"$FARHAND_PARAM_SERVICE" status',
    "sh -c 'echo \"$FARHAND_PARAM_NAME\"'",
    'bash script.sh -c "$FARHAND_PARAM_NAME"',
    '[[ $FARHAND_PARAM_A == x ]] && VERSION="$FARHAND_PARAM_B" make',
    'case "$FARHAND_PARAM_X" in a) ls ;; esac',
    `rm -rf "\${FOLDER:?}/"`,
    'folder=$(mktemp -d)\nrm -rf "$folder/x"',
    'for each in a b; do rm -rf "$each/x"; done',
    'while read -r each; do rm -rf "$each/x"; done',
    'rm -rf "$TMPDIR/x" ./build /srv/app/releases/old node_modules',
    "rm -f /etc/app.conf",
    "chmod 755 x; chmod u+rwx y; chmod 1777 /srv/tmp",
    "dd if=/dev/sda of=copy.img; dd if=a of=/dev/null",
    "echo done > /dev/null 2>&1",
    "echo 'rm -rf /' \"rm -rf /\" # rm -rf /",
    "cat <<EOF\nrm -rf /\nEOF",
    "grep -r eval . | sort; apt-get install -y bash curl",
  ])("is not given for %j", (script) => {
    expect(namesOf(script)).toEqual([]);
  });

  test("stands at its line, among the others of a page, and names its rule", () => {
    const parsed = parseRunbook("1. Look\n\n   ```bash\n   ls\n   ls && rm -rf /\n   ```\n");
    const words = "this removes everything below /; name what you mean (rm-root)";
    expect(parsed.ok && parsed.warnings).toEqual([{ path: "", message: words, line: 5, column: 10 }]);
    expect(parseRunbook("```python\neval(x)\n```\n")).toMatchObject({ ok: true, warnings: [] });
  });
});

describe("[S7] the strict reading", () => {
  test.each([
    ["eval", "e''val ls"],
    ["eval", 'eval "$(ssh-agent -s)"'],
    ["eval", "echo $'\\'' ; eval ls #'"],
    ["rm-root", "r\\m -rf /"],
    ["rm-root", "bash <<EOF\nrm -rf /\nEOF"],
    ["rm-root", "bash -c 'rm -rf /'"],
    ["pipe-to-shell", "curl https://example.com/x | b'a'sh"],
  ])("finds %s in %j", (name, script) => {
    expect(strictShellDangers(script).map((danger) => danger.name)).toContain(name);
  });
});

test("a script that is made to be slow is not", () => {
  const parts = ["curl |", '"$(', "{:|:", "(){", "$(", "rm -r ", "> ", "curl x\n|", "\\", "X=", "sudo "];
  const begun = performance.now();
  for (const part of parts) {
    const script = part.repeat(Math.floor((256 * 1024) / part.length));
    shellWarnings(script);
    strictShellDangers(script);
  }
  expect(performance.now() - begun).toBeLessThan(20_000);
}, 30_000);
