/**
 * `/v1/lookup/{key}`: who owns a key, and the way there. `?mode=walk` walks along successors.
 *
 * While nodes are dying the answer takes as long as it takes to be sure of them: a late answer is
 * worth more to a client than a refusal, and a guess nothing at all.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  type Chord,
  ChordError,
  type Hash,
  type LookupMode,
  type LookupResult,
} from "../chord/index.ts";
import { HttpError, sendJson, unavailable } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import { parseKey, splitUrl } from "../http/key-path.ts";

export const LOOKUP_PREFIX = "/v1/lookup/";

/** Longer than it takes to be sure that a node is gone: two stabilize intervals at least. */
const LOOKUP_TIMEOUT_MS = 8_000;
/** Before another try where every way was blocked by nodes that did not answer in time. */
const PAUSE_MS = 100;

interface Parts {
  readonly chord: Pick<Chord, "find">;
  readonly hash: Hash;
}

export function lookupHandler({ chord, hash }: Parts): Handler {
  return async (request, response) => {
    const { rawKey, query } = splitUrl(request.url ?? "", LOOKUP_PREFIX);
    const key = parseKey(rawKey);
    const mode = parseMode(query);
    const found = await find(chord, hash.idOf(key), mode);
    const { id, owner, hops, timeouts, path } = found;
    const body = { key, id, owner, hops, timeouts, mode: found.mode, path: path.map(rounded) };
    sendJson(response, 200, JSON.stringify(body), {
      "X-Chord-Owner": owner.name,
      "X-Chord-Hops": String(hops),
    });
  };
}

function parseMode(query: string): LookupMode {
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== "mode");
  const mode = parameters.get("mode") ?? "finger";
  if (unknown === undefined && (mode === "finger" || mode === "walk")) return mode;
  throw new HttpError(400, "bad_query", "a lookup takes no query, ?mode=finger or ?mode=walk");
}

/**
 * Looks up until the deadline. A lookup does not ask a node again that once was silent, so one that
 * is out of ways may find one when it starts over: silent is not gone.
 */
async function find(
  chord: Parts["chord"],
  id: LookupResult["id"],
  mode: LookupMode,
): Promise<LookupResult> {
  const endMs = performance.now() + LOOKUP_TIMEOUT_MS;
  for (;;) {
    try {
      return await chord.find(id, { mode, deadlineMs: endMs - performance.now() });
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      if (error.code !== "no-route" || performance.now() + PAUSE_MS > endMs) throw refusal(error);
    }
    await delay(PAUSE_MS);
  }
}

function refusal(error: ChordError): HttpError {
  if (error.code === "not-member") {
    const message = "this node is not in the ring yet; try again or ask another";
    return unavailable("not_in_ring", message);
  }
  return unavailable("lookup_failed", `the lookup found no owner: ${error.message}`, error);
}

/** Microseconds are all that is meaningful. */
function rounded(step: LookupResult["path"][number]): LookupResult["path"][number] {
  return { node: step.node, ms: Math.round(step.ms * 1_000) / 1_000 };
}
