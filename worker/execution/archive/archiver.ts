/**
 * Moves the log of an execution that has ended to R2 and, when it is asked for
 * again, back. The coordinator's own copy goes only after every object was read
 * again and its hash was right (fault 31), and the archive has all of the log:
 * agents may report long after the end.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { log } from "../../log.ts";
import type { ExecutionStore } from "../store.ts";
import {
  archivePrefix,
  decodeRecords,
  encodeRecord,
  type Manifest,
  manifestSchema,
  SEGMENT_BYTES,
} from "./format.ts";

/** How long the coordinator keeps its own copy after it was last needed, ms. */
export const KEEP_MS = 60 * 60 * 1000;

/**
 * How long after its end an execution is archived, ms. Compressing takes the
 * processor from whoever looks at how it ended, and from what runs beside;
 * until then it is as safe in the coordinator's own storage.
 */
export const REST_MS = 30_000;

const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 10 * 60_000;

/** Deletes all objects of an execution. Safe to repeat. */
export async function deleteArchive(
  bucket: R2Bucket,
  organizationId: string,
  executionId: string,
): Promise<void> {
  const prefix = archivePrefix(organizationId, executionId);
  for (;;) {
    // One page is as much as one call deletes.
    const { objects, truncated } = await bucket.list({ prefix });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}

export interface ArchiverDeps {
  bucket: R2Bucket;
  store: ExecutionStore;
  organizationId: string;
  executionId: string;
  planDigest: string;
  /** When the execution ended, ms since the epoch; undefined before. */
  endedAt(): number | undefined;
  /** True while somebody is connected. */
  isInUse(): boolean;
}

export class Archiver {
  readonly #deps: ArchiverDeps;
  #work: Promise<void> | undefined;
  #failures = 0;
  #retryAt = 0;
  /** When the copy here was last needed. */
  #usedAt = 0;

  constructor(deps: ArchiverDeps) {
    this.#deps = deps;
  }

  /** Somebody reads it: keep the copy for a while longer. */
  touch(now: number): void {
    this.#usedAt = now;
  }

  /** When there is something to do, ms since the epoch. */
  get dueAt(): number | undefined {
    const { store, endedAt } = this.#deps;
    const ended = endedAt();
    if (ended === undefined || this.#work || store.isDropped) return undefined;
    const due = store.archive === undefined ? ended + REST_MS : Math.max(ended, this.#usedAt) + KEEP_MS;
    return Math.max(due, this.#retryAt);
  }

  /** Archives, or drops what is archived. Never throws; a failure is tried again at `dueAt`. */
  async work(now: () => number): Promise<void> {
    if (this.#work || (this.dueAt ?? Number.POSITIVE_INFINITY) > now()) return;
    this.#work = this.#try(now);
    await this.#work;
    this.#work = undefined;
  }

  /** Resolves once no work is under way. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #try(now: () => number): Promise<void> {
    const { store, isInUse, organizationId, executionId } = this.#deps;
    try {
      if (store.archive !== undefined && isInUse()) this.#usedAt = now();
      else if (!this.#isWhole()) store.archive = JSON.stringify(await this.#write());
      else await this.#drop();
      this.#failures = 0;
      this.#retryAt = 0;
    } catch (error) {
      this.#failures++;
      this.#retryAt = now() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#failures - 1));
      log("warn", "an archive could not be written; it is tried again", {
        organizationId,
        executionId,
        error,
      });
    }
  }

  /**
   * Brings the log back from the archive.
   * @throws Error when the archive is not there or damaged
   */
  async restore(): Promise<void> {
    const { store } = this.#deps;
    for (const segment of this.#segments()) store.restore(decodeRecords(await this.#read(segment)));
    store.restored();
  }

  /** What the archive has so far. */
  #segments(): Manifest["segments"] {
    const { archive } = this.#deps.store;
    return archive === undefined ? [] : manifestSchema.parse(JSON.parse(archive)).segments;
  }

  #isWhole(): boolean {
    return this.#segments().at(-1)?.toSeq === this.#deps.store.head;
  }

  /** Writes what the archive lacks, behind what it has. */
  async #write(): Promise<Manifest> {
    const { store, organizationId, executionId, planDigest, bucket } = this.#deps;
    const prefix = archivePrefix(organizationId, executionId);
    const segments = this.#segments();
    for (let after = segments.at(-1)?.toSeq ?? 0; after < store.head; ) {
      const { bytes, toSeq } = this.#segmentAfter(after);
      const body = gzipSync(bytes);
      const sha256 = createHash("sha256").update(body).digest("hex");
      const key = `${prefix}${String(segments.length).padStart(6, "0")}.gz`;
      // R2 checks the hash before it takes the object.
      await bucket.put(key, body, { sha256 });
      segments.push({ key, toSeq, bytes: bytes.length, sha256 });
      after = toSeq;
    }
    const manifest: Manifest = { schema: 1, executionId, planDigest, head: store.head, segments };
    await bucket.put(`${prefix}manifest.json`, JSON.stringify(manifest));
    return manifest;
  }

  #segmentAfter(after: number): { bytes: Uint8Array; toSeq: number } {
    const records: Uint8Array[] = [];
    let size = 0;
    let toSeq = after;
    for (const row of this.#deps.store.rowsAfter(after)) {
      const record = encodeRecord(row);
      records.push(record);
      size += record.length;
      toSeq = row.seq;
      if (size >= SEGMENT_BYTES) break;
    }
    return { bytes: Buffer.concat(records, size), toSeq };
  }

  /**
   * Drops the copy here once every object has been read again, unless somebody has come meanwhile.
   * @throws Error when one is damaged
   */
  async #drop(): Promise<void> {
    for (const segment of this.#segments()) await this.#read(segment);
    if (!this.#deps.isInUse() && this.#isWhole()) this.#deps.store.drop();
  }

  async #read({ key, sha256 }: Manifest["segments"][number]): Promise<Uint8Array> {
    const object = await this.#deps.bucket.get(key);
    if (!object) throw new Error(`the archive has no ${key}`);
    const body = new Uint8Array(await object.arrayBuffer());
    const found = createHash("sha256").update(body).digest("hex");
    if (found !== sha256) throw new Error(`${key} is not as it was written`);
    return gunzipSync(body);
  }
}
