/** Files of releases, as they lie in the bucket. */
import { RELEASE_PATHS } from "#protocol/release.ts";
import type { AppContext } from "../../context.ts";
import { ApiError } from "../../errors.ts";
import { admit, askForAnonymous } from "../../limiter/admission.ts";

/** A release never changes once it is out. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** What versions and files of releases are called; the bucket fails on a key that is too long. */
const PLAIN = /^[\w.+-]{1,200}$/;
const A_MINUTE = "public, max-age=60";

const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  sh: "text/plain; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  gz: "application/gzip",
  deb: "application/vnd.debian.binary-package",
};

/** `GET /releases/{version}/{file}`: whole, in part, or only its headers. */
export async function releaseFile(c: AppContext): Promise<Response> {
  const { version = "", name = "" } = c.req.param();
  if (!PLAIN.test(version) || !PLAIN.test(name)) throw missing();
  return serve(c, RELEASE_PATHS.file(version, name), FOR_EVER);
}

/** `GET /releases/latest.json`: which release is the newest. */
export async function latestRelease(c: AppContext): Promise<Response> {
  return serve(c, RELEASE_PATHS.latest, A_MINUTE);
}

async function serve(c: AppContext, key: string, caching: string): Promise<Response> {
  admit(await askForAnonymous(c));
  const { method, headers: asked } = c.req.raw;
  const found = await c.env.RELEASES.head(key);
  if (!found) throw missing();
  const headers = headersOf(found, key, caching);
  if (method === "HEAD") return new Response(null, { headers });
  const range = rangeOf(asked.get("range"), found.size);
  if (range === "beyond") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${found.size}` } });
  }
  const object = await c.env.RELEASES.get(key, { onlyIf: asked, ...(range && { range }) });
  if (!object) throw missing();
  if (!("body" in object)) {
    const changed = asked.has("if-match") || asked.has("if-unmodified-since");
    return new Response(null, { status: changed ? 412 : 304, headers });
  }
  if (!range) return new Response(object.body, { headers });
  headers.set("content-range", `bytes ${range.offset}-${range.offset + range.length - 1}/${found.size}`);
  headers.set("content-length", String(range.length));
  return new Response(object.body, { status: 206, headers });
}

function headersOf(object: R2Object, key: string, caching: string): Headers {
  return new Headers({
    "content-type": TYPES[key.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    "content-length": String(object.size),
    "cache-control": caching,
    "accept-ranges": "bytes",
    etag: object.httpEtag,
  });
}

/** The one part that a `Range` header asks for; undefined when everything is to be sent. */
function rangeOf(
  header: string | null,
  size: number,
): { offset: number; length: number } | "beyond" | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const offset = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (offset >= size) return "beyond";
  return last < offset ? undefined : { offset, length: last - offset + 1 };
}

function missing(): ApiError {
  return new ApiError(
    "not_found",
    "There is no such file of a release. /releases/latest.json names the newest.",
  );
}
