/** `/v1/kv`: the keys of the ring, a page at a time. */
import { z } from "zod";
import { HttpError, sendJson } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import { parseQuery } from "../http/query.ts";
import type { KeyService } from "../kv/key-service.ts";
import type { Place } from "../kv/key-walk.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const PREFIX_BYTES_MAX = 1_024;
const CURSOR_LENGTH_MAX = 2_048;
const BEGIN: Place = { partition: 0, after: null };

const cursorForm = z.tuple([z.int().min(0).max(65_535), z.string().min(1).nullable()]);

export function keyListHandler({ keys }: { readonly keys: Pick<KeyService, "list"> }): Handler {
  return async (request, response) => {
    const query = parseQuery(request.url ?? "", ["prefix", "limit", "cursor"]);
    const { prefix = "", limit, cursor } = query;
    const listed = await keys.list({
      prefix: checkPrefix(prefix),
      limit: limit === undefined ? LIMIT_DEFAULT : parseLimit(limit),
      from: cursor === undefined ? BEGIN : parseCursor(cursor),
    });
    const next = listed.next === null ? null : cursorOf(listed.next);
    sendJson(response, 200, JSON.stringify({ keys: listed.keys, cursor: next }));
  };
}

function checkPrefix(prefix: string): string {
  if (Buffer.byteLength(prefix) <= PREFIX_BYTES_MAX) return prefix;
  throw badQuery(`prefix may have at most ${PREFIX_BYTES_MAX} bytes, as no key has more`);
}

function parseLimit(text: string): number {
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw badQuery(`limit takes a number from 1 to ${LIMIT_MAX}`);
}

function cursorOf({ partition, after }: Place): string {
  return Buffer.from(JSON.stringify([partition, after])).toString("base64url");
}

function parseCursor(text: string): Place {
  const place = cursorForm.safeParse(text.length > CURSOR_LENGTH_MAX ? null : decode(text));
  if (!place.success) {
    throw badQuery("cursor takes what the page before gave as its cursor, with the same prefix");
  }
  const [partition, after] = place.data;
  return { partition, after };
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return null;
  }
}

function badQuery(message: string): HttpError {
  return new HttpError(400, "bad_query", message);
}
