/** `/v1/lookup/{key}`: who owns a key, and the way there. `?mode=walk` walks along successors. */
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

interface Parts {
  readonly chord: Pick<Chord, "lookup">;
  readonly hash: Hash;
}

export function lookupHandler(
  parts: Parts,
  options: { readonly operationTimeoutMs: number },
): Handler {
  const { chord, hash } = parts;
  return async (request, response) => {
    const { rawKey, query } = splitUrl(request.url ?? "", LOOKUP_PREFIX);
    const key = parseKey(rawKey);
    const mode = parseMode(query);
    const found = await find(chord, hash.idOf(key), mode, options.operationTimeoutMs);
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

async function find(
  chord: Parts["chord"],
  id: LookupResult["id"],
  mode: LookupMode,
  deadlineMs: number,
): Promise<LookupResult> {
  try {
    const events = chord.lookup(id, { mode, deadlineMs });
    for (;;) {
      const step = await events.next();
      if (step.done === true) return step.value;
    }
  } catch (error) {
    if (!(error instanceof ChordError)) throw error;
    if (error.code === "not-member") {
      throw unavailable(
        "not_in_ring",
        "this node is not in the ring yet; try again or ask another",
      );
    }
    throw unavailable("lookup_failed", `the lookup found no owner: ${error.message}`, error);
  }
}

/** Microseconds are all that is meaningful. */
function rounded(step: LookupResult["path"][number]): LookupResult["path"][number] {
  return { node: step.node, ms: Math.round(step.ms * 1_000) / 1_000 };
}
