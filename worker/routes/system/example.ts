/** The request of one operation as a curl command. */
import { z } from "zod";

const parametersSchema = z.array(
  z.object({ name: z.string(), in: z.string(), required: z.boolean().optional() }),
);
const bodySchema = z.object({
  required: z.boolean().optional(),
  content: z.object({ "application/json": z.object({ example: z.unknown() }) }),
});

/** What headers that have to be there may say. */
const HEADERS: Readonly<Record<string, string>> = { "if-match": "*" };
/** And values that have to stand in the query. */
const QUERY: Readonly<Record<string, string>> = { from: "1", to: "2" };

/** Undefined for what needs a body and names none. */
export function curlOf(
  method: string,
  path: string,
  operation: { parameters?: unknown; requestBody?: unknown },
): string | undefined {
  const parameters = parametersSchema.safeParse(operation.parameters ?? []).data ?? [];
  const body = bodySchema.safeParse(operation.requestBody).data;
  const example = body?.content["application/json"].example;
  if (body?.required && example === undefined) return undefined;
  const needed = (place: string) => parameters.filter((each) => each.in === place && each.required);
  const query = needed("query").map(({ name }) => `${name}=${QUERY[name] ?? ""}`);
  const address = path.replaceAll(/\{(\w+?)(?:Id)?\}/g, (_, name: string) => `$${constant(name)}`);
  const lines = [
    `curl ${method === "GET" ? "" : `-X ${method} `}"$FARHAND${address}${query.length > 0 ? `?${query.join("&")}` : ""}" -H "X-API-Key: $KEY"`,
    ...needed("header").map(({ name }) => `-H "${name}: ${HEADERS[name] ?? ""}"`),
    ...(example === undefined
      ? []
      : [`-H "Content-Type: application/json" -d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`]),
  ];
  return lines.join(" \\\n  ");
}

/** `joinToken` → `JOIN_TOKEN`. */
function constant(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
