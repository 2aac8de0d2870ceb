import { AxeBuilder } from "@axe-core/playwright";
import { expect, it } from "vitest";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

const SOURCE = `---
title: Move the database
---

Read this first.

\`\`\`farhand
kind: instruction
name: look
title: Look at the dashboard
acknowledge: true
markdown: Is the replica **in step**?
form:
  - { name: lag, type: number, min: 0, max: 60 }
\`\`\`

\`\`\`farhand
kind: approval
name: agree
title: Agree
markdown: Writes stop for a minute.
allow-requester: true
\`\`\`

\`\`\`farhand
kind: foreach
name: hosts
title: Each host
items: '["db-1", "db-2"]'
concurrency: 2
blocks:
  - kind: command
    name: move
    title: Move it
    env: { HOST: { expr: item } }
    script: echo "moved $HOST"
    compensate: { kind: command, name: back, title: Move it back, script: echo back }
\`\`\`

\`\`\`bash {name=check title="Check" confirm="Look once more?"}
exit 3
\`\`\`

<!-- finally -->

\`\`\`bash {name=report title="Report"}
echo reported
\`\`\`
`;

it("a person answers what waits, and sees the tree of steps, what was undone and how it ended", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const { id } = await organization.run(await organization.write(SOURCE));
  const page = await app.logged(organization, DESK);
  await page.goto(`/executions/${id}`);

  await page.getByRole("heading", { name: "Waiting for somebody to say that this is done" }).waitFor();
  const findings = await new AxeBuilder({ page }).analyze();
  expect(findings.violations).toEqual([]);
  await page.getByLabel("lag").fill("99");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByText("at most 60").waitFor();
  await page.getByLabel("lag").fill("3");
  await page.getByLabel("Note").fill("in step");
  await page.getByRole("button", { name: "Done" }).click();

  await page.getByRole("heading", { name: "Waiting for an approval" }).waitFor();
  await page.getByText("Writes stop for a minute.").waitFor();
  await page.getByRole("button", { name: "Approve" }).click();

  await page.getByRole("heading", { name: "Look once more?" }).waitFor();
  const steps = page.getByRole("navigation", { name: "Steps" });
  await steps.getByText("2 of 2").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText(/Failed at “Check”/).waitFor();
  expect(await steps.getByText("Move it back").count()).toBe(2);
  await steps.getByText("Report").waitFor();

  await page.getByRole("button", { name: "Retry failed" }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/executions/") && !url.pathname.endsWith(id));
  // What a person decided is not taken over: the approval is asked for again, the acknowledged step is not.
  await page.getByRole("heading", { name: "Waiting for an approval" }).waitFor();
});

it("a phone shows what waits with its buttons, and a pause holds everything up", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const { id } = await organization.run(await organization.write(SOURCE));
  const page = await app.logged(organization, PHONE);
  await page.goto(`/executions/${id}`);
  await page.getByRole("button", { name: "Done" }).waitFor();
  expect(await fitsWidth(page)).toBe(true);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.getByLabel("lag").fill("3");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("heading", { name: "The execution is paused" }).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("heading", { name: "Waiting for an approval" }).waitFor();
});
