/**
 * Decides which pods shall hold the ring's data. Pure: what is wanted and what the nodes know in,
 * the roster out.
 *
 * It names all wanted pods at once, also those that are still to start: nodes wait for them, so
 * that data moves once, to its final place. It names none of those that go. What was written before
 * is read from the nodes and never remembered.
 *
 * Where the cluster has zones, a new pod is named once it is scheduled. Placement spreads copies
 * over zones, so with the zone of one pod unknown it would be another placement for all of them,
 * and data would move among the old pods only to move back.
 */
import { wantTheSame } from "../ring/data-picture.ts";
import type { Roster } from "../ring/view.ts";

export interface RosterSituation {
  /** Names of the pods that the spec asks for. */
  wanted: readonly string[];
  copies: number;
  /** The roster that counts among the nodes, and whether they agree on it. */
  present: Roster | undefined;
  contested: boolean;
  /** The zones that pods run in, null where there are none; a pod without an entry may be any. */
  zones: ReadonlyMap<string, string | null>;
}

export interface RosterPlan {
  /** The roster that all nodes should have. */
  roster: Roster;
  /** Whether that is another one than they have now. */
  changed: boolean;
  /** Wanted pods that it does not name yet. */
  pending: string[];
}

export function planRoster(situation: RosterSituation): RosterPlan {
  const { wanted, copies, present, contested, zones } = situation;
  const before = new Map(present?.pods.map((pod) => [pod.name, pod.zone]));
  const zoneOf = (name: string): string | null | undefined =>
    zones.has(name) ? zones.get(name) : before.get(name);
  const hasZones = wanted.some((name) => (zoneOf(name) ?? null) !== null);
  const pending = hasZones ? wanted.filter((name) => zoneOf(name) === undefined) : [];
  const pods = wanted
    .filter((name) => !pending.includes(name))
    .map((name) => ({ name, zone: zoneOf(name) ?? null }));
  if (present && !contested && wantTheSame(present, { copies, pods })) {
    return { roster: present, changed: false, pending };
  }
  const generation = (present?.generation ?? 0) + 1;
  return { roster: { generation, copies, pods }, changed: true, pending };
}

/** What the roster asks for, in words. */
export function rosterText({ pods, copies }: Roster): string {
  const count = Math.min(copies, pods.length);
  const zones = new Set(pods.flatMap((pod) => pod.zone ?? []));
  const spread = zones.size > 1 ? `, spread over ${zones.size} zones` : "";
  const nodes = pods.length === 1 ? "1 node" : `${pods.length} nodes`;
  return `${count === 1 ? "1 copy" : `${count} copies`} on ${nodes}${spread}`;
}
