/** The roster as the operator sends it. */
import { z } from "zod";
import { HttpError } from "../http/errors.ts";
import type { Roster } from "../replication/index.ts";

export const ROSTER_BYTES_MAX = 1024 * 1024;

const PODS_MAX = 4_096;

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "must be a pod's name");

const schema = z.strictObject({
  generation: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  copies: z.number().int().min(1).max(7),
  pods: z
    .array(z.strictObject({ name, zone: z.string().min(1).max(253).nullable() }))
    .min(1)
    .max(PODS_MAX)
    .refine(
      (pods) => new Set(pods.map((pod) => pod.name)).size === pods.length,
      "must name each pod once",
    ),
});

/** Throws 400 `bad_roster` with every problem. */
export function parseRoster(body: Buffer): Roster {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch (cause) {
    throw new HttpError(400, "bad_roster", "the roster is not JSON", { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new HttpError(400, "bad_roster", problems.join("; "));
}
