/** Chromium for one test file, and pages in it. Whatever goes wrong in a page fails its test. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";
import { Organization, type Person } from "./organization.ts";

const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export const DESK = { viewport: { width: 1280, height: 800 } } as const satisfies BrowserContextOptions;
export const PHONE = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
} as const satisfies BrowserContextOptions;

interface Tools {
  /** A page of somebody who is not logged in. */
  anonymous(options?: BrowserContextOptions): Promise<Page>;
  /** A page of the organization's person. */
  logged(organization: Organization, options?: BrowserContextOptions): Promise<Page>;
  /** A new organization, put away when the file is done. */
  organization(): Promise<Organization>;
  /** The organization of somebody who signed up in a page. */
  adopt(person: Person): Promise<Organization>;
}

export function prepareBrowser(): Tools {
  const url = inject("url");
  const organizations: Organization[] = [];
  const pages: Page[] = [];
  const errors: string[] = [];
  let browser: Browser | undefined;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: inject("chromium"), args: FLAGS.split(" ") });
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
    expect(errors.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(organizations.map((each) => each.dispose()));
  });

  const anonymous = async (options: BrowserContextOptions = DESK): Promise<Page> => {
    if (!browser) throw new Error("the browser is not up yet");
    const context = await browser.newContext({ baseURL: url, reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    // A script, style or connection that the content security policy had to refuse is a bug of ours.
    page.on("console", (message) => {
      if (/Content Security Policy/i.test(message.text())) errors.push(message.text());
    });
    pages.push(page);
    return page;
  };

  const keep = async (made: Promise<Organization>): Promise<Organization> => {
    const organization = await made;
    organizations.push(organization);
    return organization;
  };

  return {
    anonymous,
    async logged(organization, options) {
      const page = await anonymous(options);
      const cookies = organization.cookie.split("; ").map((pair) => {
        const at = pair.indexOf("=");
        return { name: pair.slice(0, at), value: pair.slice(at + 1), url, httpOnly: true };
      });
      await page.context().addCookies(cookies);
      return page;
    },
    organization: () => keep(Organization.create(url)),
    adopt: (person) => keep(Organization.logIn(url, person)),
  };
}

/** True when nothing is wider than the screen. */
export function fitsWidth(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const roots = [document.documentElement, document.querySelector("#main")];
    return roots.every((root) => !root || root.scrollWidth <= root.clientWidth);
  });
}

/** What the rows on the screen say, line feeds left out. */
export function shownLines(page: Page): Promise<string[]> {
  return page
    .locator(".log-text")
    .evaluateAll((rows) => rows.map((row) => (row.textContent ?? "").replace(/\n$/, "")));
}
