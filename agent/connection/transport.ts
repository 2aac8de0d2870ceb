/**
 * How the agent reaches its control plane, for requests and for sockets alike:
 * directly or through an HTTP proxy (CONNECT), with the authorities of this
 * host or one more.
 */
import {
  type ClientRequest,
  type ClientRequestArgs,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, type RequestOptions, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import * as tls from "node:tls";
import { proxyName } from "./proxy.ts";
import { type HttpAnswer, readAnswer } from "./refusal.ts";
import { connectionWords } from "./words.ts";

const PROXY_TIMEOUT_MS = 15_000;

/** Where a control plane is, and what lies between. */
export interface Route {
  /** Its origin. */
  url: string;
  /** Address of an HTTP proxy, with its user and password if it asks for them. */
  proxy?: string | undefined;
  /** Certificates in PEM of authorities to trust beside those of the host. */
  ca?: string | undefined;
}

export interface Transport extends Route {
  /** For `http.request`, `https.request` and `ws`. */
  agent: HttpAgent;
}

type Created = (error: Error | null, stream: Duplex) => void;

export function createTransport(route: Route): Transport {
  const { url, proxy, ca } = route;
  // An agent of its own: none of its sockets is kept for another request.
  const trust = ca === undefined ? {} : { ca: [...hostAuthorities(), ca] };
  const isSecure = url.startsWith("https:");
  if (proxy === undefined) return { ...route, agent: isSecure ? new HttpsAgent(trust) : new HttpAgent() };
  return { ...route, agent: isSecure ? new SecureTunnel(proxy, trust) : new PlainTunnel(proxy, trust) };
}

/** What Node trusts by itself, `NODE_EXTRA_CA_CERTS` included where it can say so. */
function hostAuthorities(): readonly string[] {
  // Newer than the oldest Node that the agent runs on.
  return typeof tls.getCACertificates === "function"
    ? tls.getCACertificates("default")
    : tls.rootCertificates;
}

class PlainTunnel extends HttpAgent {
  readonly #proxy: string;
  readonly #trust: tls.SecureContextOptions;

  constructor(proxy: string, trust: tls.SecureContextOptions) {
    super();
    this.#proxy = proxy;
    this.#trust = trust;
  }

  override createConnection(options: ClientRequestArgs, created?: Created): undefined {
    openTunnel(this.#proxy, this.#trust, options).then(
      (socket) => created?.(null, socket),
      // The stream of a failure is never looked at.
      (error: Error) => (created as ((error: Error) => void) | undefined)?.(error),
    );
  }
}

class SecureTunnel extends HttpsAgent {
  readonly #proxy: string;
  readonly #trust: tls.SecureContextOptions;

  constructor(proxy: string, trust: tls.SecureContextOptions) {
    super(trust);
    this.#proxy = proxy;
    this.#trust = trust;
  }

  override createConnection(options: RequestOptions, created?: Created): undefined {
    openTunnel(this.#proxy, this.#trust, options).then(
      (socket) => created?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket })),
      (error: Error) => (created as ((error: Error) => void) | undefined)?.(error),
    );
  }
}

/** A connection through the proxy to where the request goes. */
function openTunnel(
  proxy: string,
  trust: tls.SecureContextOptions,
  { host, port }: ClientRequestArgs,
): Promise<Socket> {
  const { protocol, hostname, port: proxyPort, username, password } = new URL(proxy);
  const target = `${host?.includes(":") ? `[${host}]` : host}:${port}`;
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization =
    username || password ? { "proxy-authorization": `Basic ${Buffer.from(secret).toString("base64")}` } : {};
  const name = proxyName(proxy);
  const requestFrom = protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = requestFrom({
      ...{ method: "CONNECT", host: hostname.replace(/^\[|\]$/g, ""), path: target, agent: false, ...trust },
      port: proxyPort || (protocol === "https:" ? 443 : 80),
      headers: { host: target, ...authorization },
    });
    const deadline = setTimeout(() => {
      request.destroy(new Error(`no answer within ${PROXY_TIMEOUT_MS / 1000} s`));
    }, PROXY_TIMEOUT_MS);
    request.on("connect", (response, socket: Socket, head) => {
      clearTimeout(deadline);
      if (response.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Error(refusalWords(name, target, response.statusCode ?? 0)));
    });
    request.on("error", (error) => {
      clearTimeout(deadline);
      reject(new Error(`the proxy ${name} cannot be reached: ${connectionWords(error, name)}`));
    });
    request.end();
  });
}

function refusalWords(name: string, target: string, status: number): string {
  if (status === 407) {
    return `the proxy ${name} asks for a user and a password, or does not take those it got (407): put them into its address, http://USER:PASSWORD@HOST:PORT`;
  }
  return `the proxy ${name} refused to connect to ${target} (${status}): have its administrator allow it, or name the host in NO_PROXY`;
}

export interface Post {
  path: string;
  headers?: Record<string, string>;
  body: unknown;
  timeoutMs: number;
}

/**
 * Posts JSON to the control plane and reads the beginning of its answer.
 * @throws Error in words, when there is none
 */
export function postJson(
  transport: Transport,
  { path, headers, body, timeoutMs }: Post,
): Promise<HttpAnswer> {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  const request = requestTo(transport, path, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": length, ...headers },
  });
  return send(request, transport.url, timeoutMs, text);
}

/**
 * Reads the beginning of what the control plane has under a path.
 * @param connected gets the socket once there is an answer
 * @throws Error in words, when there is none
 */
export function getText(
  transport: Transport,
  path: string,
  timeoutMs: number,
  connected: (socket: Socket) => void,
): Promise<HttpAnswer> {
  const request = requestTo(transport, path, {});
  request.on("response", ({ socket }) => connected(socket));
  return send(request, transport.url, timeoutMs);
}

/**
 * Opens what the control plane has under a path, however large.
 * @throws Error in words, when there is no answer
 */
export function getStream(transport: Transport, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const request = requestTo(transport, path, { signal });
  return new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", (error) => reject(new Error(connectionWords(error, transport.url))));
    request.end();
  });
}

function requestTo({ url, agent }: Transport, path: string, options: RequestOptions): ClientRequest {
  const requestFrom = url.startsWith("https:") ? requestHttps : requestHttp;
  return requestFrom(url + path, {
    ...options,
    agent,
    headers: { accept: "application/json", ...options.headers },
  });
}

function send(request: ClientRequest, url: string, timeoutMs: number, body?: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Error(`no answer within ${timeoutMs / 1000} s`));
      request.destroy();
    }, timeoutMs);
    request.on("response", (response) => {
      void readAnswer(response).then((answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
    });
    request.on("error", (error) => {
      clearTimeout(deadline);
      reject(new Error(connectionWords(error, url)));
    });
    request.end(body);
  });
}
