import { describe, expect, it } from "vitest";
import { whyNotAllowed, whyNoWebhook } from "./guard.ts";

const PUBLISHED = "https://farhand.example.com";
const DEVELOPMENT = "http://localhost:8787";

/** Each leads to this machine, its network, a cloud's insides or nowhere. */
const PRIVATE_HOSTS = `
127.0.0.1  127.0.0.1.  127.1  127.0.1  127.255.255.254  2130706433  017700000001  0x7f000001  0x7f.1
0177.0.0.1  0x7F.0.0.0x1  127.0.0.01  127.0.0.0x1  %31%32%37.0.0.1  127。0。0。1  127．0．0．1  127｡0｡0｡1  １２７.0.0.1  ①②⑦.0.0.1
0  0.0.0.0  0x0  00  0.1.2.3
10.0.0.1  10.1  012.0.0.1  0xa.0.0.1  167772161  172.16.0.1  172.31.255.255  0xac100001  192.168.1.1  192.168.257  0300.0250.1.1  3232235777
100.64.0.1  100.127.255.255  100.100.100.200
169.254.169.254  169.254.43518  0xa9fea9fe  2852039166  025177524776  0251.0376.0251.0376  169.254.0.1  168.63.129.16
192.0.0.192  192.0.2.1  198.18.0.1  198.19.255.255  198.51.100.7  203.0.113.9  192.88.99.1
224.0.0.1  239.255.255.255  240.0.0.1  255.255.255.255  4294967295
[::]  [::1]  [0:0:0:0:0:0:0:1]  [0000:0000:0000:0000:0000:0000:0000:0001]  [::0.0.0.1]
[::ffff:127.0.0.1]  [::ffff:7f00:1]  [0:0:0:0:0:ffff:10.0.0.1]  [::FFFF:A9FE:A9FE]  [::ffff:8.8.8.8]
[::127.0.0.1]  [::7f00:1]  [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1]  [64:ff9b::a9fe:a9fe]  [64:ff9b:1::a00:1]
[2002:7f00:1::]  [2002:a9fe:a9fe::1]  [2001::1]  [2001:10::1]  [2001:20::1]  [2001:1ff::1]  [2001:0:4136:e378:8000:63bf:80ff:fffe]  [2001:db8::1]  [3fff::1]
[fc00::1]  [fd00:ec2::254]  [fdff:ffff::1]  [fe80::1]  [febf::1]  [fec0::1]  [ff02::1]  [ff0e::1]  [100::1]  [5f00::1]
localhost  LOCALHOST  localhost.  ⓛocalhost  localhost。  a.localhost  a.localhost.  localhost.localdomain
printer.local  printer.local.  PRINTER.LOCAL  printer。local  metadata.google.internal  metadata.google.internal.  db.prod.internal
intranet  metadata  instance-data  wiki.corp  nas.lan  router.home  router.home.arpa  1.0.0.127.in-addr.arpa  x.onion  x.test
api.default.svc  vault.service.consul  x.alt  x.example  smtp.mail  fritz.box  nas.fritz.box  FRITZ.BOX.
localhost..  example.com..
`
  .trim()
  .split(/\s+/);

const PUBLIC_HOSTS = `
example.com  example.com.  EXAMPLE.COM  api.example.co.uk  bücher.example.com  example。com  1.1.1.1  8.8.8.8  134744072
9.255.255.255  11.0.0.0  100.63.255.255  100.128.0.0  126.255.255.255  128.0.0.1  168.63.129.15  168.63.129.17
169.253.255.255  169.255.0.0  172.15.255.255  172.32.0.0  192.0.1.0  192.167.255.255  192.169.0.0  198.17.255.255
198.20.0.0  223.255.255.255  other.box  local.example.com  localhost.example.com  internal.example.com
[2606:4700:4700::1111]  [2a00:1450::1]  [2001:200::1]  [2001:4860:4860::8888]  [2003::1]  [2000::]  [3ffe:ffff::1]
`
  .trim()
  .split(/\s+/);

describe("which URLs the edge requests", () => {
  it.each(PRIVATE_HOSTS)("[S10] refuses https://%s", (host) => {
    expect(whyNotAllowed(`https://${host}/`, PUBLISHED)).toBeTruthy();
    expect(whyNotAllowed(`https://${host}:8443/latest?a=b#c`, PUBLISHED)).toBeTruthy();
  });

  it.each(PUBLIC_HOSTS)("lets https://%s be requested", (host) => {
    expect(whyNotAllowed(`https://${host}/`, PUBLISHED)).toBeUndefined();
  });

  it("[S10] judges every address next to a boundary as its network says", () => {
    const refused = ["10.255.255.255", "100.64.0.0", "127.0.0.0", "172.31.255.255", "198.19.255.255"];
    for (const host of refused) expect(whyNotAllowed(`https://${host}`, PUBLISHED)).toMatch(/from the edge/);
  });

  it.each([
    ["http://example.com/", "does not begin with https://"],
    ["ftp://example.com/", "does not begin with https://"],
    ["file:///etc/passwd", "does not begin with https://"],
    ["data:text/plain,hello", "does not begin with https://"],
    ["https://user@example.com/", "holds a user name or password"],
    ["https://user:secret@example.com/", "holds a user name or password"],
    ["https://:secret@example.com/", "holds a user name or password"],
    ["https://example.com:22/", "has port 22"],
    ["https://example.com:25/", "has port 25"],
    ["https://example.com:0/", "has port 0"],
    ["https://example.com:1023/", "has port 1023"],
    ["https://10.0.0.1/", "is private"],
    ["https://169.254.169.254/", "link-local, where clouds keep their metadata"],
    ["https://intranet/", "is no public name"],
    ["https://", "cannot be read"],
    ["https://exa mple.com/", "cannot be read"],
    ["https://127.0.0.1.1/", "cannot be read"],
    ["/relative", "cannot be read"],
  ])("[S10] says what is wrong with %s", (url, words) => {
    expect(whyNotAllowed(url, PUBLISHED)).toContain(words);
  });

  it.each(["https://example.com:443/", "https://example.com:8443/", "https://example.com:1024/"])(
    "lets %s be requested",
    (url) => expect(whyNotAllowed(url, PUBLISHED)).toBeUndefined(),
  );

  it("lets a control plane on a developer's machine request what is on it, at any port", () => {
    for (const url of [
      "http://localhost:3000",
      "http://127.0.0.1:99",
      "https://[::1]/",
      "http://2130706433",
    ]) {
      expect(whyNotAllowed(url, DEVELOPMENT)).toBeUndefined();
      expect(whyNotAllowed(url, PUBLISHED)).toBeDefined();
    }
    expect(whyNotAllowed("http://example.com", DEVELOPMENT)).toBeUndefined();
  });

  it("[S10] keeps it from the network around that machine all the same", () => {
    for (const host of ["10.0.0.1", "192.168.0.1", "169.254.169.254", "[fe80::1]", "nas.local"]) {
      expect(whyNotAllowed(`http://${host}/`, DEVELOPMENT)).toBeDefined();
    }
    expect(whyNotAllowed("http://user:secret@localhost/", DEVELOPMENT)).toBeDefined();
    expect(whyNotAllowed("file:///etc/passwd", DEVELOPMENT)).toBeDefined();
  });
});

describe("where webhooks may lead", () => {
  it.each(PRIVATE_HOSTS)("[S10] not to https://%s", (host) => {
    expect(whyNoWebhook(`https://${host}/hook`, false)).toBeTruthy();
  });

  it.each(PUBLIC_HOSTS)("to https://%s, and never over http", (host) => {
    expect(whyNoWebhook(`https://${host}/hook`, false)).toBeUndefined();
    for (const loopback of [false, true]) {
      expect(whyNoWebhook(`http://${host}/hook`, loopback)).toBe("does not begin with https://");
    }
  });

  it("[S10] to this machine only where the settings say so, and then to nothing around it", () => {
    for (const url of ["http://localhost:3000/", "http://127.0.0.1:99/", "https://[::1]/"]) {
      expect(whyNoWebhook(url, true)).toBeUndefined();
      expect(whyNoWebhook(url, false)).toBeDefined();
    }
    for (const host of ["10.0.0.1", "192.168.0.1", "169.254.169.254", "[fe80::1]", "nas.local"]) {
      expect(whyNoWebhook(`https://${host}/`, true)).toBeDefined();
    }
    expect(whyNoWebhook("http://user:secret@localhost/", true)).toBeDefined();
  });
});
