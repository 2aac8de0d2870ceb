import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { PHONE, prepareBrowser } from "./browser.ts";

const app = prepareBrowser();
let server: Server;
let url: string;
let status = 200;
const received: unknown[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}/hook`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

it("makes a webhook, shows its secret once, tries it out, and shows what it was sent", async () => {
  const organization = await app.organization();
  await organization.startAgent();
  const page = await app.logged(organization);
  await page.goto("/settings");
  await page.getByRole("link", { name: "Webhooks" }).click();
  await page.getByRole("button", { name: "New webhook" }).click();
  await page.getByLabel("Name").fill("on-call chat");
  await page.getByLabel("Address").fill("https://10.0.0.1/hook");
  await page.getByRole("button", { name: "Create webhook" }).click();
  await page.getByText("is private; from the edge only public hosts can be reached").waitFor();
  await page.getByLabel("Address").fill(url);
  await page.getByRole("button", { name: "Create webhook" }).click();
  await page.getByText(/^whsec_\S{44}$/).waitFor();
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("link", { name: "on-call chat" }).click();
  await page.getByText("Nothing was sent yet").waitFor();
  expect(await page.getByText(/whsec_/).count()).toBe(0);

  await page.getByRole("button", { name: "Send test" }).click();
  await page.getByText("The test was delivered").waitFor();
  const deliveries = page.getByRole("list", { name: "Deliveries" }).getByRole("listitem");
  await deliveries.filter({ hasText: "webhook.test" }).getByText("Delivered").waitFor();

  const id = await organization.runToEnd("echo hello");
  const told = deliveries.filter({ hasText: "execution.finished" });
  await told.getByText("Delivered").waitFor();
  expect(received).toMatchObject([
    { type: "webhook.test" },
    { type: "execution.finished", data: { executionId: id, state: "succeeded" } },
  ]);
  await told.getByRole("link", { name: "Execution" }).click();
  await page.waitForURL(`**/executions/${id}`);
});

it("says what went wrong, changes the secret, disables and deletes, on a phone", async () => {
  const organization = await app.organization();
  await organization.client.raw("POST", "/api/v1/webhooks", {
    body: { name: "chat", url, events: ["agent.revoked"] },
  });
  const page = await app.logged(organization, PHONE);
  await page.goto("/settings/webhooks");
  await page.getByRole("link", { name: "chat" }).click();
  status = 410;
  await page.getByRole("button", { name: "Send test" }).click();
  await page.getByText("The test was not delivered").waitFor();
  await page.getByText("It answered 410 Gone: nothing is to be sent there.").waitFor();

  const choose = async (item: string) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await choose("Enable");
  await page.getByText("It answered 410 Gone").waitFor({ state: "detached" });
  await choose("Rotate secret…");
  await page.getByRole("button", { name: "Rotate secret" }).click();
  await page.getByText(/^whsec_\S{44}$/).waitFor();
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByText("The secret before the last rotation signs as well").waitFor();
  await choose("Edit…");
  await page.getByLabel("Name").fill("renamed");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "renamed" }).waitFor();
  await choose("Delete…");
  await page.getByRole("button", { name: "Delete webhook" }).click();
  await page.getByText("No webhooks yet").waitFor();
});
