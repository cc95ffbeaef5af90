/**
 * Whether a live object already has everything a manifest asks for.
 *
 * The API server adds defaults and other people's fields, so the question is containment and not
 * equality. It also rewrites quantities ("0.5" becomes "500m"), so those compare by value.
 */

const FACTORS: Record<string, number> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

function quantityOf(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([a-zA-Z]{0,2})$/.exec(String(value));
  const factor = FACTORS[match?.[2] ?? ""];
  return match && factor !== undefined ? Number(match[1]) * factor : undefined;
}

function sameScalar(live: unknown, wanted: unknown): boolean {
  if (live === wanted) return true;
  if (!["string", "number"].includes(typeof live)) return false;
  if (!["string", "number"].includes(typeof wanted)) return false;
  const quantity = quantityOf(wanted);
  return quantity !== undefined && quantity === quantityOf(live);
}

function isEmpty(value: unknown): boolean {
  return value !== null && typeof value === "object" && Object.keys(value).length === 0;
}

function containsList(live: unknown, wanted: readonly unknown[]): boolean {
  if (!Array.isArray(live) || live.length !== wanted.length) return false;
  return wanted.every((entry, index) => contains(live[index], entry));
}

export function contains(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  // An empty list or map is the same as none: the API server drops most of them.
  if (live === undefined) return isEmpty(wanted);
  if (Array.isArray(wanted)) return containsList(live, wanted);
  if (wanted === null || typeof wanted !== "object") return sameScalar(live, wanted);
  if (live === null || typeof live !== "object" || Array.isArray(live)) return false;
  const fields = live as Record<string, unknown>;
  return Object.entries(wanted).every(([name, value]) => contains(fields[name], value));
}
