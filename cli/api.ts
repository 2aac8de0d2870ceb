/** The control plane, as far as the command line asks it. What it answers is checked, and trusted no further. */
import { z } from "zod";
import { metadataSchema } from "#protocol/api/envelope.ts";
import { problemSchema } from "#protocol/errors.ts";
import { EXIT, Failure } from "./failure.ts";

const answerSchema = z.object({ data: z.unknown(), metadata: metadataSchema });

export interface Page<T> {
  data: T;
  nextCursor: string | undefined;
}

export class Api {
  readonly #url: string;
  readonly #key: string;

  /** Of `FARHAND_URL` and `FARHAND_API_KEY`. @throws Failure when one is missing */
  static of(env: Record<string, string | undefined>): Api {
    const { FARHAND_URL: url, FARHAND_API_KEY: key } = env;
    if (!url || !key) {
      throw new Failure(
        "say where the control plane is and who you are: FARHAND_URL=https://… FARHAND_API_KEY=fh_…",
        EXIT.usage,
      );
    }
    const parsed = URL.parse(url);
    if (!parsed?.protocol.startsWith("http")) {
      throw new Failure(`FARHAND_URL is "${url}", which is not an address like https://…`, EXIT.usage);
    }
    return new Api(parsed.origin, key);
  }

  private constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  get<T extends z.ZodType>(schema: T, path: string): Promise<Page<z.output<T>>> {
    return this.#call(schema, "GET", path);
  }

  /** All pages of a list. */
  async all<T extends z.ZodType>(schema: T, path: string): Promise<z.output<T>[]> {
    const items: z.output<T>[] = [];
    for (let cursor: string | undefined; ; ) {
      const query = new URLSearchParams({ limit: "100", ...(cursor !== undefined && { cursor }) });
      const page = await this.#call(z.array(schema), "GET", `${path}?${query}`);
      items.push(...page.data);
      cursor = page.nextCursor;
      if (cursor === undefined) return items;
    }
  }

  async put<T extends z.ZodType>(schema: T, path: string, body: unknown): Promise<z.output<T>> {
    return (await this.#call(schema, "PUT", path, body)).data;
  }

  async delete<T extends z.ZodType>(schema: T, path: string): Promise<z.output<T>> {
    return (await this.#call(schema, "DELETE", path)).data;
  }

  async post<T extends z.ZodType>(schema: T, path: string, body: unknown): Promise<z.output<T>> {
    return (await this.#call(schema, "POST", path, body)).data;
  }

  /** @throws Failure with what the server said, or that it was not reached */
  async #call<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Page<z.output<T>>> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        "x-api-key": this.#key,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: "error",
    }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : error;
      throw new Failure(`${this.#url} cannot be reached: ${cause}`);
    });
    const data: unknown = await response.json().catch(() => undefined);
    if (!response.ok) {
      const problem = problemSchema.safeParse(data);
      throw new Failure(problem.success ? problem.data.detail : `${this.#url} answered ${response.status}`);
    }
    const answer = answerSchema.safeParse(data);
    const parsed = schema.safeParse(answer.data?.data);
    if (!answer.success || !parsed.success) {
      throw new Failure(`${this.#url} does not answer like a Farhand control plane`);
    }
    return { data: parsed.data, nextCursor: answer.data.metadata.nextCursor };
  }
}
