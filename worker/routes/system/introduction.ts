/** What stands before the reference: who one is to the API, and the first calls to make. */

export const INTRODUCTION: readonly string[] = [
  "Every request says who it is from with an API key: `X-API-Key: $KEY`, or `Authorization: Bearer $KEY`. Make one in the app under API keys; its scopes say what it may do, and it is shown once. `GET /api/v1/health` and this page need none.",
  "Answers are `{ data, metadata }`. Failures are RFC 9457 problem details: `detail` says in words what was wrong and what to do, `code` never changes its meaning. A page goes on with `cursor` set to `metadata.nextCursor`. `X-RateLimit-Limit`, `-Remaining` and `-Reset` come with every answer; over the limit it is a 429 with `Retry-After`.",
  "The examples are for a shell with these set: `FARHAND`, where this page is, such as `https://farhand.example.com`; `KEY`, the API key; `RUNBOOK`, `EXECUTION` and the like, ids as answers have them.",
];

export interface FirstCall {
  title: string;
  command: string;
}

export const FIRST_CALLS: readonly FirstCall[] = [
  {
    title: "Who am I, and what may I do?",
    command: `curl "$FARHAND/api/v1/me" -H "X-API-Key: $KEY"`,
  },
  {
    title: "Make a runbook out of a Markdown file; its id is RUNBOOK from here on",
    command: `curl "$FARHAND/api/v1/runbooks" -H "X-API-Key: $KEY" \\
  -H "Content-Type: text/markdown" --data-binary @hello.md`,
  },
  {
    title: "What would it do, and where?",
    command: `curl -X POST "$FARHAND/api/v1/runbooks/$RUNBOOK/plan" -H "X-API-Key: $KEY"`,
  },
  {
    title: "Run it, and follow it to its end; its executionId is EXECUTION from here on",
    command: `curl -N -X POST "$FARHAND/api/v1/runbooks/$RUNBOOK/executions" -H "X-API-Key: $KEY" \\
  -H "Accept: text/event-stream"`,
  },
  {
    title: "What came out of it?",
    command: `curl "$FARHAND/api/v1/executions/$EXECUTION/result" -H "X-API-Key: $KEY"`,
  },
];
