/** Checks of the way to the control plane: name, proxy, TLS, what answers, its clock and version. */
import { lookup } from "node:dns/promises";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { envelope } from "#protocol/api/envelope.ts";
import { healthSchema } from "#protocol/api/health.ts";
import { agreeOnVersion, PROTOCOL_VERSIONS, type VersionRange } from "#protocol/version.ts";
import { proxyName } from "../connection/proxy.ts";
import { serverTimeOf } from "../connection/refusal.ts";
import { createTransport, getText, type Route } from "../connection/transport.ts";
import { wordsOf } from "../log.ts";
import { AGENT_VERSION } from "../version.ts";
import type { Finding, WayCheck } from "./check.ts";

const TIMEOUT_MS = 20_000;
const SKEW_MAX_MS = 30_000;
const EXPIRY_WARN_DAYS = 14;
const DAY_MS = 24 * 60 * 60_000;

const answerSchema = envelope(healthSchema);

export const dnsCheck: WayCheck = {
  name: "name",
  async look(route) {
    const { hostname } = new URL(route.proxy ?? route.url);
    const host = hostname.replace(/^\[|\]$/g, "");
    if (isIP(host)) return { result: "ok", words: `${host} is an address` };
    try {
      const { address } = await lookup(host);
      return { result: "ok", words: `${host}${route.proxy ? ", the proxy," : ""} is ${address}` };
    } catch (error) {
      return {
        result: "fail",
        words: `the name ${host} cannot be looked up (${wordsOf(error)})`,
        advice: "Check the address and /etc/resolv.conf; where only a proxy leads out, set HTTPS_PROXY.",
      };
    }
  },
};

export const proxyCheck: WayCheck = {
  name: "proxy",
  look(route) {
    return {
      result: "ok",
      words: route.proxy ? `through ${proxyName(route.proxy)}` : "none, straight to it",
    };
  },
};

export const answerCheck: WayCheck = {
  name: "control plane",
  async look(route) {
    const answer = await ask(route);
    if ("problem" in answer) {
      return {
        result: "fail",
        words: answer.problem,
        advice: "Nothing else of the connection works before this does.",
      };
    }
    if (!answer.protocol) {
      return {
        result: "fail",
        words: `${route.url} answered HTTP ${answer.status}, but not as a Farhand control plane does`,
        advice: "Check the address; a captive portal or a proxy may answer in its place.",
      };
    }
    return { result: "ok", words: `${route.url} answers` };
  },
};

export const certificateCheck: WayCheck = {
  name: "certificate",
  async look(route) {
    if (!route.url.startsWith("https:")) {
      return {
        result: "warn",
        words: "the connection is not encrypted",
        advice: "Use https wherever others could listen.",
      };
    }
    const answer = await ask(route);
    if ("problem" in answer) return unasked();
    const { issuer, validTo = "" } = answer.certificate ?? {};
    const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
    const words = `signed by ${issuer ?? "somebody trusted"}, good for ${days} days`;
    if (days >= EXPIRY_WARN_DAYS) return { result: "ok", words };
    return { result: "warn", words, advice: "Have it renewed before it expires." };
  },
};

export const clockCheck: WayCheck = {
  name: "clock",
  async look(route) {
    const answer = await ask(route);
    if ("problem" in answer) return unasked();
    const serverTime = serverTimeOf(answer);
    if (serverTime === undefined)
      return { result: "skip", words: "the control plane does not tell its time" };
    const ahead = Date.now() - serverTime;
    if (Math.abs(ahead) <= SKEW_MAX_MS) return { result: "ok", words: "as the control plane's" };
    return {
      result: "warn",
      words: `${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? "ahead of" : "behind"} the control plane's`,
      advice: "Set it, and keep it set with NTP. The agent works all the same; times in its log are off.",
    };
  },
};

export const versionCheck: WayCheck = {
  name: "version",
  async look(route) {
    const answer = await ask(route);
    if ("problem" in answer || !answer.protocol) return unasked();
    const agreement = agreeOnVersion(PROTOCOL_VERSIONS, answer.protocol);
    if (agreement.agreed) {
      const words = `${AGENT_VERSION}; both ends speak version ${agreement.version} of the protocol`;
      return { result: "ok", words };
    }
    return {
      result: "fail",
      words: `${AGENT_VERSION} and the control plane share no version of the protocol`,
      advice: `Upgrade the ${agreement.upgrade === "agent" ? "agent" : "control plane"}.`,
    };
  },
};

const unasked = (): Finding => ({ result: "skip", words: "the control plane cannot be asked" });

type Health =
  | { problem: string }
  | {
      status: number;
      headers: IncomingHttpHeaders;
      body: string;
      protocol: VersionRange | undefined;
      certificate: { issuer: string | undefined; validTo: string } | undefined;
    };

const asked = new WeakMap<Route, Promise<Health>>();

/** Asks once, for all the checks of one doctor. */
function ask(route: Route): Promise<Health> {
  const before = asked.get(route);
  if (before) return before;
  const now = askNow(route);
  asked.set(route, now);
  return now;
}

async function askNow(route: Route): Promise<Health> {
  let certificate: { issuer: string | undefined; validTo: string } | undefined;
  try {
    const answer = await getText(createTransport(route), "/api/v1/health", TIMEOUT_MS, (socket) => {
      if (isTls(socket)) {
        const { issuer, valid_to } = socket.getPeerCertificate();
        const name = issuer?.CN ?? issuer?.O;
        certificate = { issuer: Array.isArray(name) ? name[0] : name, validTo: valid_to };
      }
    });
    return { ...answer, protocol: protocolIn(answer.body), certificate };
  } catch (error) {
    return { problem: wordsOf(error) };
  }
}

function isTls(socket: object): socket is TLSSocket {
  return "getPeerCertificate" in socket;
}

function protocolIn(body: string): VersionRange | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(body)).data?.data.protocol;
  } catch {
    return undefined;
  }
}
