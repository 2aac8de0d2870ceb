/**
 * Limits and clocks that more than one runtime has to agree on. Bytes and
 * milliseconds throughout.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Most payload bytes in one output chunk (rule OT1). */
export const CHUNK_MAX_BYTES = 256 * KIB;

/** Most bytes of one block's script, and most characters of any other text in a block. */
export const SCRIPT_MAX_BYTES = 256 * KIB;

/** Most bytes of a runbook's Markdown source. */
export const SOURCE_MAX_BYTES = 512 * KIB;

/** Most bytes of a plan in canonical form; keeps a lease offer to one frame. */
export const PLAN_MAX_BYTES = 1 * MIB;

/** Most bytes of one JSON request body of the API. */
export const REQUEST_MAX_BYTES = 1 * MIB;

/** Most blocks in one runbook, and how deep they may lie in each other. */
export const BLOCKS_MAX = 500;
export const BLOCK_DEPTH_MAX = 8;

/** Most steps in one execution: blocks, times the items and agents they run for. */
export const STEPS_MAX = 5_000;

/**
 * Most executions that one may start in all its life, with those that they start, and every attempt at it. As
 * many as one `foreach` has items: loops within loops of runbooks would otherwise multiply with every level.
 */
export const CHILD_EXECUTIONS_MAX = 1_000;

/** Most items of one `foreach`, and most agents of one target. */
export const ITEMS_MAX = 1_000;

/** Most approvers' signatures that go out with a step; the last ones count. */
export const APPROVAL_SIGNATURES_MAX = 100;

/** Most characters of one CEL expression. */
export const EXPRESSION_MAX_LENGTH = 1_000;

/** Most bytes of the values that one step hands on, as JSON, and how deep each may be nested: everything they pass through walks them. */
export const VALUES_MAX_BYTES = 64 * KIB;
export const VALUES_DEPTH_MAX = 100;

/** Most characters of a person's name. */
export const PERSON_NAME_MAX = 200;

/** Most bytes, as JSON, of all that the expressions of one block come to; of each alone as of any text in a block. */
export const INPUTS_MAX_BYTES = 1 * MIB;

/** Most bytes of one event as JSON: a row of the log holds no more than 2 MB. */
export const EVENT_MAX_BYTES = 1.5 * MIB;

/**
 * Most bytes, as JSON, of what the steps of one execution hold together: the values that they handed on, the items
 * and agents that they go over, and the inputs of those that are under way. All of it is in memory, and in one answer.
 */
export const HELD_MAX_BYTES = 8 * MIB;

/** Most parameters in one runbook, and most bytes of one parameter's value. */
export const PARAMETERS_MAX = 64;
export const PARAMETER_VALUE_MAX_BYTES = 32 * KIB;

/** Most characters of a pattern, most instructions of all of a runbook's together, and most bytes of a value that has one. */
export const PATTERN_MAX_CHARACTERS = 500;
export const PATTERNS_MAX_INSTRUCTIONS = 2_000;
export const PATTERN_VALUE_MAX_BYTES = 4 * KIB;

/** What a step keeps of its output unless its block says otherwise (rule OT5). */
export const OUTPUT_DEFAULT_BYTES = 64 * MIB;
export const OUTPUT_MAX_BYTES = 1024 * MIB;

/** Most bytes that the end of an output is answered with at once. */
export const OUTPUT_TAIL_MAX_BYTES = 4 * MIB;

/** Most bytes of what a retry takes over: values of its steps, and the items and agents they went over. */
export const REUSED_MAX_BYTES = 512 * KIB;

/** The longest that a request waits for news of an execution. */
export const LONG_POLL_MAX_MS = 60_000;

/** What may be on its way to a viewer that stopped reading (rule VW2), and how often it has to say that it reads. */
export const VIEWER_WINDOW_BYTES = 4 * MIB;
export const VIEWER_MARK_BYTES = 1 * MIB;

/** Most viewers' sockets of one execution. */
export const VIEWERS_MAX = 64;

/** Most sockets of an organization's feed: each hears of every change. */
export const FEED_SOCKETS_MAX = 500;

/** Most of them for one log-in or API key. */
export const FEED_SOCKETS_PER_CREDENTIAL_MAX = 32;

/** How deep JSON may be nested in a frame or in a request's body: what looks at it goes as deep. */
export const JSON_DEPTH_MAX = 128;

/** Most bytes of one JSON frame on any socket. */
export const FRAME_MAX_BYTES = 4 * MIB;

/** A step's time limit unless its block says otherwise, and the most it may ask for. */
export const STEP_TIMEOUT_DEFAULT_MS = 60 * 60 * 1000;
export const STEP_TIMEOUT_MAX_MS = 7 * 24 * 60 * 60 * 1000;

/** The longest a request from the edge may take, with its redirects and the answer's body. */
export const EDGE_TIMEOUT_MS = 60_000;

/** The longest an execution waits for anything: a person, a time, an agent. */
export const WAIT_MAX_MS = 30 * 24 * 60 * 60 * 1000;

/** How long it waits for a person unless the block says otherwise. */
export const PERSON_WAIT_DEFAULT_MS = 24 * 60 * 60 * 1000;

/** How long it waits for an agent or a lock unless the block says otherwise. */
export const QUEUE_WAIT_DEFAULT_MS = 60 * 60 * 1000;

/** Between "please stop" and "die" (rule CX1). */
export const CANCEL_GRACE_MS = 10_000;

/** Heartbeats (rule HS3): how often `ping` is sent, and when silence means death. */
export const HEARTBEAT_INTERVAL_MS = 20_000;
export const HEARTBEAT_TIMEOUT_MS = 45_000;
export const HEARTBEAT_PING = "ping";
export const HEARTBEAT_PONG = "pong";

/** Reconnect backoff with full jitter (rule HS4), and the pause after a version refusal (rule HS1). */
export const RECONNECT_MIN_MS = 1_000;
export const RECONNECT_MAX_MS = 60_000;
export const RECONNECT_UPGRADE_MS = 5 * 60_000;

/** How long an unacknowledged command waits before it is sent again (rule CM1). */
export const COMMAND_RESEND_MS = 5_000;

/** How long an agent keeps a step with `onDisconnect: stop` alive without its coordinator (rule LS3). */
export const LEASE_DISCONNECT_MS = 30_000;

/** An assertion (rule HS2) is good for this long. */
export const ASSERTION_TTL_SECONDS = 60;

/** Most webhooks of one organization: each is sent every event that it wants. */
export const WEBHOOKS_MAX = 20;

/** Most deliveries of one webhook that are kept to look at, and to tell what has been delivered. */
export const WEBHOOK_DELIVERIES_MAX = 100;

/** Most hours for which the secret before a rotation still signs. */
export const WEBHOOK_OVERLAP_MAX_HOURS = 168;

/** The last instant that a Date can hold, ms since the epoch (ECMA-262). */
export const INSTANT_MAX_MS = 8.64e15;
