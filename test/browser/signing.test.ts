/** Signing in a browser: with a key that is made there and cannot leave it. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { executionSchema } from "#protocol/api/executions.ts";
import { signedVersionSchema, signingKeySchema } from "#protocol/api/signatures.ts";
import { readSignature } from "#protocol/signatures/jws.ts";
import { isSignedBy } from "#protocol/signatures/webCrypto.ts";
import { DESK, fitsWidth, PHONE, prepareBrowser } from "./browser.ts";
import type { Organization } from "./organization.ts";

const app = prepareBrowser();
let organization: Organization;
beforeAll(async () => {
  organization = await app.organization();
});

const SOURCE = `# Fail over\n\n\`\`\`farhand\nkind: approval\nname: go\nmarkdown: Fail over **production**?\nallow-requester: true\n\`\`\`\n`;

describe.each([
  ["on a desk", DESK],
  ["on a phone", PHONE],
] as const)("[S6] %s", (name, options) => {
  it("a key is made, signs a version and an approval, and is revoked", async () => {
    const runbook = await organization.write(SOURCE);
    const page = await app.logged(organization, options);
    await page.goto("/settings");
    await page.getByRole("link", { name: "Signing keys" }).click();
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Name").fill(`Ada ${name}`);
    await page.getByRole("button", { name: "Make key" }).click();
    await page.getByText("Your signing key").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("this browser", { exact: true }).waitFor();
    expect(await fitsWidth(page)).toBe(true);
    const keys = await organization.client.call(z.array(signingKeySchema), "GET", "/signing-keys");
    const key = keys.find((each) => each.name === `Ada ${name}`);
    if (!key) throw new Error("the key is registered");
    // Nothing in the page can read it out.
    const extractable = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open("farhand-signing", 1);
          opening.onsuccess = () => {
            const reading = opening.result.transaction("keys").objectStore("keys").getAll();
            reading.onsuccess = () =>
              resolve(reading.result.map(({ privateKey }) => [privateKey.type, privateKey.extractable]));
          };
        }),
    );
    expect(extractable).toEqual([["private", false]]);

    await page.goto(`/runbooks/${runbook.id}/versions/1`);
    await page.getByText("Nobody has signed this version.").waitFor();
    await page.getByRole("button", { name: "Sign this version" }).click();
    await page.getByRole("button", { name: "Sign", exact: true }).click();
    await page.getByText("Version 1 is signed").waitFor();
    await page.getByRole("region", { name: "Signatures" }).getByText(`Ada ${name}`).waitFor();
    expect(await fitsWidth(page)).toBe(true);
    const version = await organization.client.call(
      signedVersionSchema,
      "GET",
      `/runbooks/${runbook.id}/versions/1`,
    );
    const authorship = readSignature(version.signatures[0]?.signature ?? "");
    expect(authorship.ok && authorship.read.statement).toMatchObject({ versionHash: version.contentHash });
    expect(authorship.ok && (await isSignedBy(authorship.read, key.publicKey))).toBe(true);

    const { id } = await organization.run(runbook);
    await page.goto(`/executions/${id}`);
    await page.getByText("signed with the key").waitFor();
    await page.getByRole("button", { name: "Approve and sign" }).click();
    const read = () => organization.client.call(executionSchema, "GET", `/executions/${id}`);
    await vi.waitFor(async () => expect((await read()).state).toBe("succeeded"), { timeout: 15_000 });
    const { steps, planDigest, plan } = await read();
    expect(plan.signed?.signatures).toEqual([version.signatures[0]?.signature]);
    const approval = readSignature(steps[0]?.answers?.[0]?.signature ?? "");
    expect(approval.ok && approval.read.statement).toMatchObject({ planDigest, executionId: id, step: "go" });
    expect(approval.ok && (await isSignedBy(approval.read, key.publicKey))).toBe(true);

    await page.goto("/signing-keys");
    await page.getByRole("button", { name: `Revoke Ada ${name}` }).click();
    await page.getByRole("button", { name: "Revoke key" }).click();
    await page.getByText(`Ada ${name} is revoked`).waitFor();
    await page.getByText("this browser", { exact: true }).waitFor({ state: "detached" });
    await page.goto(`/runbooks/${runbook.id}`);
    await page.getByText("key revoked").waitFor();
    await page.getByRole("link", { name: "Make a key to sign with" }).waitFor();
  });
});
