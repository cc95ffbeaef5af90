/**
 * What all nodes together say about the ring's data. Pure: views in, sums out.
 *
 * Every partition is counted by the one node that leads it, so sums over nodes are the ring's. They
 * are all of it only while no node is unknown; otherwise they are what is known at least. And what
 * nobody counts is amiss: when a leader dies, some time passes before the others notice, in which
 * nobody says that anything is missing.
 */
import type { Roster, View } from "./view.ts";

export interface DataFigures {
  degraded: number;
  misplaced: number;
  unled: number;
  keys: number;
  bytes: number;
  keysLeft: number;
  bytesLeft: number;
}

export interface DataPicture extends DataFigures {
  /** Whether a node says that partitions have members: from then on nodes may hold data. */
  begun: boolean;
  /** Running nodes that do not say what they hold. */
  unknown: string[];
  /** The wanted placement that counts: the one with the highest generation. */
  roster: Roster | undefined;
  /** Whether nodes have different rosters of that one generation. */
  contested: boolean;
}

/** Whether two rosters want the same, whatever their generations; the order says nothing. */
export function wantTheSame(a: Omit<Roster, "generation">, b: Omit<Roster, "generation">): boolean {
  if (a.copies !== b.copies || a.pods.length !== b.pods.length) return false;
  const zones = new Map(a.pods.map((pod) => [pod.name, pod.zone]));
  return b.pods.every((pod) => zones.get(pod.name) === pod.zone);
}

export function dataPictureOf(
  views: readonly View[],
  unreadable: readonly { name: string }[],
): DataPicture {
  const reports = views.flatMap((view) => view.data ?? []);
  const silent = views.filter((view) => view.data === undefined).map((view) => view.self.name);
  const rosters = reports.flatMap((data) => data.roster ?? []);
  const generation = Math.max(...rosters.map((roster) => roster.generation));
  const [roster, ...same] = rosters.filter((entry) => entry.generation === generation);
  const sum = (of: (data: (typeof reports)[number]) => number): number =>
    reports.reduce((total, data) => total + of(data), 0);
  const begun = reports.some((data) => data.chartered);
  const unknown = [...unreadable.map((entry) => entry.name), ...silent];
  const partitions = Math.max(0, ...reports.map((data) => data.partitions));
  const isAccounted = begun && unknown.length === 0;
  const uncounted = isAccounted ? partitions - sum((data) => data.led) : 0;
  return {
    begun,
    unknown,
    roster,
    contested: roster !== undefined && same.some((entry) => !wantTheSame(entry, roster)),
    degraded: sum((data) => data.degraded),
    misplaced: sum((data) => data.misplaced),
    // Each node counts all that it misses a leader for, so these are the same ones again.
    unled: Math.max(0, uncounted, ...reports.map((data) => data.unled)),
    keys: sum((data) => data.keysLed),
    bytes: sum((data) => data.bytesLed),
    keysLeft: sum((data) => data.keysLeft),
    bytesLeft: sum((data) => data.bytesLeft),
  };
}
