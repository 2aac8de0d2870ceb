import { AxeBuilder } from "@axe-core/playwright";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { executionSchema } from "#protocol/api/executions.ts";
import { agentSchema } from "#protocol/api/pools.ts";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

it("explains where secrets come from while there are none, and is within reach on a phone", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization, PHONE);
  await page.goto("/agents");
  await page.getByRole("link", { name: "Secrets" }).click();
  await page.getByText("No agent holds a secret yet").waitFor();
  await page.getByText("farhand-agent secrets set db-password").waitFor();
});

it("names what agents hold, and has plans say what they lack; no value is on any page", async () => {
  const organization = await app.organization();
  await organization.startAgent("rack-1", 4, {
    "db-password": "hunter2-hunter2",
    "api-token": "t0ken-t0ken",
  });
  await organization.startAgent("rack-2", 4, { "db-password": "hunter2-hunter2" });
  const page = await app.logged(organization, DESK);
  await page.goto("/runbooks");
  await page.getByRole("link", { name: "Secrets" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "db-password" });
  await row.getByText("rack-1").waitFor();
  await row.getByText("rack-2").waitFor();
  expect(await page.content()).not.toContain("hunter2");

  const runbook = await organization.write("# Uses\n\n```bash {name=a secrets=api-token,gone}\ntrue\n```\n");
  await page.goto(`/runbooks/${runbook.id}/run`);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText('No connected agent in the pool "default" has the secret "gone".').first().waitFor();
  await page
    .getByText('1 of 2 connected agents in the pool "default" do not have the secret')
    .first()
    .waitFor();
  await page.getByText("api-token, gone").first().waitFor();
});

describe.each([
  ["on a desk", DESK],
  ["on a phone", PHONE],
] as const)("[S18] %s", (_, options) => {
  it("a secret is sealed in the page, kept by the agents, replaced for who came later, and removed", async () => {
    const value = "canary-typed-in-a-page";
    const organization = await app.organization();
    await organization.startAgent("rack-1");
    const page = await app.logged(organization, options);
    const sent: string[] = [];
    page.on("request", (request) => sent.push(`${request.url()} ${request.postData() ?? ""}`));
    await page.goto("/secrets");
    await page.getByRole("button", { name: "Add a secret" }).click();
    await page.getByLabel("Name", { exact: true }).fill("db-password");
    await page.getByLabel("Value").fill("short");
    const fingerprint = page.getByText(/^[0-9a-f]{64}$/);
    await fingerprint.waitFor();
    const shown = await fingerprint.textContent();
    const agents = await organization.client.call(z.array(agentSchema), "GET", "/agents");
    expect(shown).toBe(agents[0]?.sealing?.fingerprint);
    await page.getByRole("button", { name: "Seal and send" }).click();
    await page.getByText("shorter than 6 bytes").waitFor();
    await page.getByLabel("Value").fill(value);
    const axe = await new AxeBuilder({ page }).analyze();
    expect(axe.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
    await page.getByRole("button", { name: "Seal and send" }).click();
    const row = page.getByRole("listitem").filter({ hasText: "db-password" });
    await row.getByText("sealed, on").waitFor();
    await row.getByText("rack-1").waitFor();
    expect(await page.content()).not.toContain(value);

    // What left the page has the value in no form that somebody between could read.
    const base64 = Buffer.from(value).toString("base64").slice(0, 24);
    expect(sent.some((text) => text.includes("/secrets/db-password"))).toBe(true);
    for (const text of sent) {
      expect(text).not.toContain(value);
      expect(text).not.toContain(base64);
    }
    const used = await organization.write(
      `# Uses\n\n\`\`\`bash {name=step secrets=db-password}\n[ "$DB_PASSWORD" = ${value} ]\n\`\`\`\n`,
    );
    const { id } = await organization.run(used);
    await expect
      .poll(async () => (await organization.client.call(executionSchema, "GET", `/executions/${id}`)).state, {
        timeout: 20_000,
      })
      .toBe("succeeded");

    await organization.startAgent("rack-2");
    await page.reload();
    await row.getByRole("button", { name: "Seal it for 1 agent without it" }).click();
    await page.getByRole("dialog").getByText("rack-2").waitFor();
    await page.getByLabel("Or a file").setInputFiles({
      ...{ name: "value.txt", mimeType: "text/plain", buffer: Buffer.from("from-a-file-then") },
    });
    await page.getByRole("button", { name: "Seal and send" }).click();
    await row.getByText("rack-2").waitFor();
    expect(await fitsWidth(page)).toBe(true);

    await row.getByRole("button", { name: "Remove db-password" }).click();
    await page.getByRole("button", { name: "Remove secret" }).click();
    await page.getByText("No agent holds a secret yet").waitFor();
  });
});
