/**
 * How the data layer begins: one document that names the first members with their disks, from
 * which every partition's first view follows.
 *
 * Nothing may be acknowledged under one charter that another charter does not know of. So a
 * charter names more than half of the configured founders; it is complete, and used, only when
 * every member that it names has it on disk; and a node with a complete one takes no other. Two
 * complete charters would share a founder with two disks, one of which was lost before the ring
 * held anything under the first, or with it more than the first promised to survive: once there is
 * data, whoever configures the founders names those of which so many must be lost.
 *
 * Nodes that are no founders need not agree: with them in the first views, a ring that begins with
 * all its nodes has nothing to move.
 */
import { place } from "./placement.ts";
import type { Member, View } from "./view.ts";

export interface CharterMember extends Member {
  readonly zone: string | null;
}

export interface Charter {
  /** Attempts are numbered: a node discards an incomplete charter for one with a higher number. */
  readonly attempt: number;
  /** Every member has it. */
  readonly complete: boolean;
  readonly partitions: number;
  readonly copies: number;
  /** The founders that agree on it. */
  readonly members: readonly CharterMember[];
  /** Who holds the first views: the members, and others that were there already. */
  readonly pods: readonly CharterMember[];
}

/** For each partition its first view. */
export function firstViews(charter: Charter): readonly View[] {
  const pods = new Map(charter.pods.map((pod) => [pod.name, pod]));
  return place(charter.pods, charter).map((names) => ({
    epoch: 1,
    members: names.map((name) => {
      const { incarnation } = pods.get(name) as CharterMember;
      return { name, incarnation };
    }),
  }));
}
