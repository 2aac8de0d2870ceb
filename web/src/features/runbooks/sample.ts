/** What a new organization is offered first: safe anywhere, and shows what there is. */
export const SAMPLE_SOURCE = `---
title: Host check
description: A quick look at a machine, safe to run anywhere.
parameters:
  - name: samples
    type: number
    description: How many times to sample the load, one second apart.
    default: 5
    min: 1
    max: 60
  - name: mount
    type: string
    description: The file system to look at.
    default: /
---

Run this before anything else. It only reads, and it shows how output arrives while a step still runs.

\`\`\`bash {name=identify title="Who is this?"}
printf '\\033[1m%s\\033[0m\\n' "$(hostname)"
uname -srm
\`\`\`

\`\`\`bash {name=disk title="Free space"}
df -h "$FARHAND_PARAM_MOUNT"
\`\`\`

Parameters reach a script as environment variables: \`samples\` is \`$FARHAND_PARAM_SAMPLES\`.

\`\`\`bash {name=load title="Sample the load" timeout=2m}
for i in $(seq "$FARHAND_PARAM_SAMPLES"); do
  printf '\\033[36m%2d/%d\\033[0m  load %s\\n' "$i" "$FARHAND_PARAM_SAMPLES" "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
  sleep 1
done
echo "done" >&2
\`\`\`
`;

/** What an empty editor begins with. */
export const BLANK_SOURCE = `# Untitled runbook

Say what this is for, and what to watch out for.

\`\`\`bash
echo "hello from $(hostname)"
\`\`\`
`;
