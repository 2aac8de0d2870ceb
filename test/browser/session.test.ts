import { expect, it } from "vitest";
import { prepareBrowser } from "./browser.ts";

const app = prepareBrowser();

it("logging in leads back to where it was asked for, and says what is wrong", async () => {
  const { person } = await app.organization();
  const page = await app.anonymous();
  await page.goto("/executions?state=failed");
  await page.waitForURL(/\/login\?next=/);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Enter your email.").waitFor();
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("That email and password do not go together.").waitFor();
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(/\/executions\?state=failed$/);
  await page.getByText("None are failed").waitFor();
});

it("logging out ends the session and leaves nothing on the screen", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization);
  await page.goto("/agents");
  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.waitForURL(/\/login/);
  await page.goto("/agents");
  await page.getByRole("heading", { name: "Log in to Farhand" }).waitFor();
  expect((await organization.client.raw("GET", "/api/v1/me")).status).toBe(401);
});

it("a session that ends while somebody writes loses no text", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization);
  await page.goto("/runbooks/new");
  await page
    .getByRole("textbox", { name: "Source of the runbook" })
    .fill("# Written at 3 a.m.\n\n```sh\ntrue\n```\n");
  await page.waitForFunction(() => sessionStorage.getItem("farhand.draft.new")?.includes("3 a.m."));
  await page.context().clearCookies();
  await page.keyboard.press("Control+s");
  await page.getByText("Your session ended").waitFor();
  await page.getByLabel("Email").fill(organization.person.email);
  await page.getByLabel("Password").fill(organization.person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Your unsaved changes from before are back.").waitFor();
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: /^Create/ }).click();
  await page.getByRole("heading", { name: "Written at 3 a.m.", level: 1 }).waitFor();
});

it("a session that is ended elsewhere is noticed by a page where nobody does anything", async () => {
  const organization = await app.organization();
  const page = await app.logged(organization);
  let drop: (() => void) | undefined;
  await page.routeWebSocket(/\/feed$/, (socket) => {
    const server = socket.connectToServer();
    drop = () => {
      void server.close();
      void socket.close({ code: 1012 });
    };
  });
  await page.goto("/settings");
  await page.getByText(organization.person.email).waitFor();
  expect((await organization.client.raw("POST", "/api/auth/sign-out", { body: {} })).ok).toBe(true);
  drop?.();
  await page.getByText("Your session ended").waitFor();
  await page.waitForURL(/\/login\?next=%2Fsettings$/);
});

it("an address that leads nowhere says so, and so does another organization's", async () => {
  const stranger = await app.organization();
  const runbook = await stranger.write("# Theirs\n\n```sh\ntrue\n```\n");
  const organization = await app.organization();
  const page = await app.logged(organization);
  await page.goto("/no/such/page");
  await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
  await page.goto(`/runbooks/${runbook.id}`);
  await page.getByRole("heading", { name: "This runbook does not exist" }).waitFor();
});
