/**
 * Where other nodes may be, behind the Discovery port: a headless Service's DNS name, which lists
 * all pods whether in the ring or not, or a fixed list; and the founders from the configuration
 * file, read anew each time because the operator may write it after the node has started.
 */
import { lookup } from "node:dns/promises";
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

export function discovery(options: DiscoveryOptions): Discovery {
  return {
    seed: options.seed,
    addresses: () => addressesOf(options),
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
