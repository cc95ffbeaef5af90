/**
 * Where other nodes may be, behind the Discovery port: a headless Service's DNS name, which lists
 * all pods whether in the ring or not, or a fixed list; and the founders from the configuration
 * file, read anew each time because the operator may write it after the node has started.
 */
import { lookup } from "node:dns/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Discovery, Log } from "../chord/ports.ts";

/** Parsed from CHORD_DISCOVERY. */
export type DiscoverySource =
  | { readonly type: "dns"; readonly host: string; readonly port: number }
  | { readonly type: "static"; readonly addresses: readonly string[] };

export interface DiscoveryOptions {
  readonly source: DiscoverySource;
  readonly seed: string | null;
  readonly readFounders: () => Promise<readonly string[]>;
  readonly log: Log;
}

/** More addresses than this are no ring of this program; the rest is left out. */
const ADDRESSES_MAX = 4_096;
/** Names that do not exist yet: before the first pod is known to DNS this is no failure. */
const NO_RECORDS = new Set(["ENOTFOUND", "ENODATA", "EAI_AGAIN"]);

/** The system's resolver takes up to 20 s to say that no name server answers. */
const PATIENCE_MS = 1_000;

export function discovery(options: DiscoveryOptions): Discovery {
  // While no name server answers, nodes are most likely where they were.
  let last: readonly string[] = [];
  const ask = async (): Promise<readonly string[]> => {
    const found = await addressesOf(options);
    if (found.length > 0) last = found;
    return last;
  };
  return {
    seed: options.seed,
    addresses: () =>
      last.length === 0 ? ask() : Promise.race([ask(), delay(PATIENCE_MS, last, { ref: false })]),
    founders: () => options.readFounders(),
  };
}

async function addressesOf({ source, log }: DiscoveryOptions): Promise<readonly string[]> {
  if (source.type === "static") return source.addresses;
  try {
    const records = await lookup(source.host, { all: true, order: "verbatim" });
    return records
      .slice(0, ADDRESSES_MAX)
      .map((record) => joinAddress(record.address, source.port));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    if (NO_RECORDS.has(code)) log.debug("no addresses yet", { host: source.host, code });
    else log.warn("cannot look up the nodes' addresses", { host: source.host, code });
    return [];
  }
}

/** `host:port`, with the brackets that an IPv6 address needs. */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
