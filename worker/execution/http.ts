/**
 * What a coordinator serves over HTTP: server-sent events, plain text, and
 * ranges of one step's output. Paths are listed in `contract.ts`; the worker
 * has checked who is asking and the values of the query.
 */
import { decodeChunk, STREAMS, type Stream } from "#protocol/chunk.ts";
import type { Follower } from "./follower.ts";
import { type ChunkRow, type ExecutionStore, type LogRow, outputFrame } from "./store.ts";
import { type TailWish, tailOf } from "./tail.ts";

/** How much of the log one read of a follower brings. */
const BATCH_BYTES = 1024 * 1024;
const RANGE_DEFAULT_BYTES = 1024 * 1024;

export interface HttpDeps {
  executionId: string;
  store: ExecutionStore;
  follower: Follower;
  /** The latest attempt of a step; undefined for a step that the plan does not have. */
  attemptOf(step: string): number | undefined;
  /** Told +1 when a body begins to be read, and -1 when it is over. */
  reading(change: 1 | -1): void;
  /** Told of a body that goes on until the execution ends, and how to break it off; calls what is returned when it is over. */
  streaming(breakOff: () => void): () => void;
}

export function serveHttp(request: Request, deps: HttpDeps): Response {
  const url = new URL(request.url);
  const [, area, encodedStep, view] = url.pathname.split("/");
  if (area === "events.sse") return serverSentEvents(deps, integer(url, "after", 0));
  if (area === "output.txt") return wholeOutput(deps, url);
  if (area === "steps" && encodedStep && view) {
    const step = decodeURIComponent(encodedStep);
    const latest = deps.attemptOf(step);
    const attempt = integer(url, "attempt", latest ?? 0);
    if (latest === undefined || attempt > latest) return new Response(null, { status: 404 });
    if (view === "output") return stepOutput(deps, step, attempt, url);
    if (view === "chunks") return stepChunks(deps, step, attempt, url);
  }
  return new Response(null, { status: 404 });
}

function serverSentEvents(deps: HttpDeps, after: number): Response {
  const { executionId, follower } = deps;
  const body = streamBody(
    deps,
    follower.follow(after, BATCH_BYTES),
    (rows) =>
      rows.length === 0
        ? ": still here\n\n"
        : rows.map((row) => toServerSentEvent(row, executionId)).join(""),
    "live",
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

/**
 * One event of the stream; `id` is the sequence number, so `Last-Event-ID`
 * resumes it. The first one says of what: many clients never see the header.
 */
function toServerSentEvent(row: LogRow, executionId: string): string {
  const [name, data] =
    row.type === "event" ? [row.event.type, eventData(row, executionId)] : ["output", outputData(row)];
  return `id: ${row.seq}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function eventData({ time, event }: Extract<LogRow, { type: "event" }>, executionId: string) {
  const origin = event.type === "execution.created" && {
    executionId,
    url: `/api/v1/executions/${executionId}`,
  };
  return { time, ...origin, ...event };
}

/** Output as JSON: text where it is valid UTF-8, base64 where it is not, so no byte is lost. */
function outputData(row: ChunkRow) {
  const { step, attempt, stream, offset } = row;
  const { payload } = decodeChunk(row.body);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    return { step, attempt, stream, offset, text };
  } catch {
    return { step, attempt, stream, offset, base64: Buffer.from(payload).toString("base64") };
  }
}

const TEXT_HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

function wholeOutput(deps: HttpDeps, url: URL): Response {
  const { follower, store } = deps;
  const follow = url.searchParams.get("follow") === "1";
  const wish = tailWish(url);
  const last = wish && lastOf(store.chunksBack(), wish);
  // Nothing comes in between: what follows begins where this reading ended.
  const rows = follow
    ? follower.follow(last ? store.head : 0, BATCH_BYTES)
    : last
      ? nothing()
      : present(store);
  const text = textOf(rows);
  return new Response(
    streamBody(deps, last ? after(last, text) : text, (part) => part, follow ? "live" : undefined),
    { headers: TEXT_HEADERS },
  );
}

async function* textOf(batches: AsyncGenerator<LogRow[]>): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) {
    yield Buffer.concat(batch.flatMap((row) => (row.type === "chunk" ? [payloadOf(row)] : [])));
  }
}

async function* after(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

async function* nothing(): AsyncGenerator<LogRow[]> {}

/** The log as it stands now, a row at a time. */
async function* present(store: ExecutionStore): AsyncGenerator<LogRow[]> {
  const head = store.head;
  let place = 0;
  while (place < head) {
    // Not held open across reads: the log may grow while the client is slow.
    const [row] = store.rowsAfter(place);
    if (!row || row.seq > head) return;
    place = row.seq;
    yield [row];
  }
}

function stepOutput(deps: HttpDeps, step: string, attempt: number, url: URL): Response {
  const { store } = deps;
  const only = STREAMS.find((stream) => stream === url.searchParams.get("stream"));
  const offset = integer(url, "offset", 0);
  const limit = integer(url, "limit", Number.MAX_SAFE_INTEGER);
  const wish = tailWish(url);
  if (wish) {
    const chunks = store.chunksBack({ step, attempt });
    return new Response(lastOf(only ? ofStream(chunks, only) : chunks, wish), { headers: TEXT_HEADERS });
  }
  const body = streamBody(deps, range(store, step, attempt, only, offset, limit), (part) => part);
  return new Response(body, { headers: TEXT_HEADERS });
}

function* ofStream(chunks: Iterable<ChunkRow>, stream: Stream): Generator<ChunkRow> {
  for (const chunk of chunks) if (chunk.stream === stream) yield chunk;
}

/** Bytes [offset, offset + limit) of one stream, or of both in the order they arrived. */
async function* range(
  store: ExecutionStore,
  step: string,
  attempt: number,
  only: Stream | undefined,
  offset: number,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const end = offset + limit;
  // Where a byte of one stream lies among both is known only by looking; without a choice it is the place itself.
  let position = only ? 0 : offset;
  for (;;) {
    // Asked for anew each time: the log may grow while the client is slow.
    const row = store.chunkAt(step, attempt, position);
    if (!row) return;
    position = row.position + row.bytes;
    if (only && row.stream !== only) continue;
    const begin = only ? row.offset : row.position;
    if (begin >= end) return;
    if (begin + row.bytes <= offset) continue;
    yield payloadOf(row).subarray(Math.max(0, offset - begin), Math.min(row.bytes, end - begin));
  }
}

function stepChunks({ store }: HttpDeps, step: string, attempt: number, url: URL): Response {
  const line = integer(url, "line", 0);
  const limit = integer(url, "bytes", RANGE_DEFAULT_BYTES);
  const frames: Uint8Array[] = [];
  let bytes = 0;
  for (const row of store.chunksFromLine(step, attempt, line)) {
    frames.push(outputFrame(row));
    bytes += row.bytes;
    if (bytes >= limit) break;
  }
  return new Response(Buffer.concat(frames), {
    headers: { "content-type": "application/octet-stream", "cache-control": "no-store" },
  });
}

/** The end of what these chunks, the last one first, hold. */
function lastOf(chunks: Iterable<ChunkRow>, wish: TailWish): Uint8Array<ArrayBuffer> {
  return Buffer.concat(tailOf(payloadsOf(chunks), wish));
}

function* payloadsOf(chunks: Iterable<ChunkRow>): Generator<Uint8Array> {
  for (const chunk of chunks) yield payloadOf(chunk);
}

function tailWish(url: URL): TailWish | undefined {
  if (!url.searchParams.has("tail")) return undefined;
  const unit = url.searchParams.get("unit") === "bytes" ? "bytes" : "lines";
  return { unit, count: integer(url, "tail", 0) };
}

/**
 * A body that reads from the source only as fast as the client reads from it.
 * A live one breaks off with an error when its reader may read no longer: what
 * came is not the whole.
 */
function streamBody<T>(
  { reading, streaming }: Pick<HttpDeps, "reading" | "streaming">,
  source: AsyncGenerator<T>,
  encode: (item: T) => string | Uint8Array,
  live?: "live",
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  const parts = encodedParts(reading, source, encode);
  let isOver = false;
  let left = () => {};
  const over = () => {
    isOver = true;
    left();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (!live) return;
        left = streaming(() => {
          if (isOver) return;
          over();
          controller.error(new Error("this log-in or API key has ended"));
          void parts.return();
        });
      },
      async pull(controller) {
        try {
          for (;;) {
            const { done, value } = await parts.next();
            if (isOver) return;
            if (done) {
              over();
              return controller.close();
            }
            if (value.length === 0) continue;
            return controller.enqueue(typeof value === "string" ? utf8.encode(value) : value);
          }
        } catch (error) {
          over();
          throw error;
        }
      },
      async cancel() {
        over();
        await parts.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Counts as being read from its first part to its end, be that a failure or a client that leaves. */
async function* encodedParts<T, Part>(
  reading: HttpDeps["reading"],
  source: AsyncGenerator<T>,
  encode: (item: T) => Part,
): AsyncGenerator<Part, void> {
  reading(1);
  try {
    for await (const item of source) yield encode(item);
  } finally {
    reading(-1);
  }
}

function payloadOf(row: ChunkRow): Uint8Array {
  return decodeChunk(row.body).payload;
}

function integer(url: URL, name: string, otherwise: number): number {
  const value = Number(url.searchParams.get(name) ?? otherwise);
  return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
