import { expect, it } from "vitest";
import { proxyFor, proxyName, speaksOfProxies } from "./proxy.ts";

const SITE = "https://farhand.example.com";
const PROXY = "http://proxy:3128";

it.each([
  [{ HTTPS_PROXY: PROXY }, SITE, `${PROXY}/`],
  [{ https_proxy: PROXY, HTTPS_PROXY: "http://other:1" }, SITE, `${PROXY}/`],
  [{ HTTP_PROXY: PROXY }, SITE, undefined],
  [{ HTTP_PROXY: PROXY }, "http://farhand.example.com", `${PROXY}/`],
  [{ ALL_PROXY: "proxy:3128" }, SITE, `${PROXY}/`],
  [{ HTTPS_PROXY: "" }, SITE, undefined],
  [{}, SITE, undefined],
])("finds the proxy of %j for %s", (env, origin, proxy) => {
  expect(proxyFor(origin, env)).toBe(proxy);
  expect(speaksOfProxies(env)).toBe(Object.values(env).some((value) => value !== ""));
});

it.each([
  ["*", SITE, false],
  ["farhand.example.com", SITE, false],
  ["example.com", SITE, false],
  [".example.com, other", SITE, false],
  ["*.example.com", SITE, false],
  ["Example.com:443", SITE, false],
  ["example.com:8443", SITE, true],
  ["xample.com", SITE, true],
  ["10.0.0.0/8", "https://10.1.2.3", false],
  ["10.0.0.0/8", "https://11.1.2.3", true],
  ["10.0.0.0/99", "https://10.1.2.3", true],
  ["127.0.0.1", "https://127.0.0.1:8443", false],
  ["fd00::/8", "https://[fd00::1]", false],
  ["::1", "https://[::1]:1", false],
])("NO_PROXY=%s: %s goes through the proxy: %s", (NO_PROXY, origin, proxied) => {
  expect(proxyFor(origin, { HTTPS_PROXY: PROXY, NO_PROXY })).toBe(proxied ? `${PROXY}/` : undefined);
});

it("refuses what is no proxy, and never shows a password", () => {
  for (const HTTPS_PROXY of ["socks5://u:hunter2@x:1", "http://", "http://u:hunter2@:"]) {
    expect(() => proxyFor(SITE, { HTTPS_PROXY })).toThrow(/^(?!.*hunter2).*http:\/\/proxy/);
  }
  expect(proxyName("http://user:hunter2@proxy:3128/")).toBe("http://proxy:3128");
});
