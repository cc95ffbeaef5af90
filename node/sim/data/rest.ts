/**
 * What a ring must have come to once the faults are over: D8 and A1. Whoever is asked then must
 * answer with what all members of the view have.
 */
import { type DataView, place, type Roster, type View } from "../../src/replication/index.ts";
import { isMember } from "../../src/replication/view.ts";
import type { Platter } from "./disk.ts";
import type { Oracles } from "./oracles.ts";
import type { PartitionOracles } from "./partition-oracles.ts";
import type { World } from "./world.ts";

/** What is still missing; empty at rest. Partitions that are lost for good miss nothing. */
export function missing(world: World, oracles: Oracles, roster: Roster | null): string[] {
  const living = oracles.partitions.filter(({ dead }) => !dead);
  const problems = leaders(world, oracles.partitions.length, living.length);
  if (problems.length > 0) return problems;
  const wanted = roster ?? chartered(world);
  if (wanted === null) return ["no node has a roster"];
  const placement = place(wanted.pods, {
    partitions: oracles.partitions.length,
    copies: wanted.copies,
  });
  for (const { views, partition } of living) {
    const names = placement[partition] ?? [];
    problems.push(...unplaced(world, views.last, names).map((what) => `${partition}: ${what}`));
  }
  if (problems.length > 0) return problems;
  return living.flatMap((partition) => unequal(world, partition));
}

function chartered(world: World): Roster | null {
  for (const { durable } of world.platters.values()) {
    const { roster } = durable.record;
    if (roster !== null) return roster;
  }
  return null;
}

/**
 * As the nodes themselves tell: each partition has one leader, and is as it should be. Whoever led
 * one that is lost may not know that it does no more.
 */
function leaders(world: World, all: number, living: number): string[] {
  const views = [...world.running.values()].map(({ replication }) => replication.view());
  const sum = (of: (view: DataView) => number): number =>
    views.reduce((total, view) => total + of(view), 0);
  const led = sum((view) => view.led);
  const problems = views.some(({ chartered }) => !chartered) ? ["a node has not begun"] : [];
  if (led < living || (living === all && led > all)) {
    problems.push(`${led} leaders of ${living} partitions`);
  }
  if (living < all) return problems;
  if (sum((view) => view.catchingUp) > 0) problems.push("a node is catching up");
  if (sum((view) => view.degraded) > 0) problems.push("a leader has not all copies");
  if (sum((view) => view.misplaced) > 0) problems.push("a partition is in another place");
  if (sum((view) => view.unled) > 0) problems.push("a node knows no leader of a partition");
  return problems;
}

function unplaced(world: World, view: View | null, names: readonly string[]): string[] {
  if (view === null) return ["has no view"];
  const problems = names
    .filter((name) => !view.members.some((member) => member.name === name))
    .map((name) => `${name} is no member of epoch ${view.epoch}`);
  for (const member of view.members) {
    const { name } = member;
    if (!names.includes(name)) problems.push(`${name} is still a member of epoch ${view.epoch}`);
    else if (world.diskOf(member) === null) problems.push(`the disk of ${name} is another one`);
  }
  return problems;
}

/** D8: members have the same, durably, and nobody else has anything. */
function unequal(world: World, { partition, views, keys }: PartitionOracles): string[] {
  const view = views.last as View;
  const platters = [...world.platters.values()];
  const members = platters.filter((platter) => isMember(view, platter));
  const problems = platters
    .filter((platter) => !members.includes(platter))
    .filter(({ durable }) => durable.of(partition).records.size > 0)
    .map(({ name }) => `${name} has records of partition ${partition}`);
  for (const platter of members) problems.push(...unfit(platter, partition, view));
  for (const key of keys.keys()) {
    const states = members.map(({ durable }) => told(durable.of(partition).records.get(key)));
    if (new Set(states).size > 1) problems.push(`${key} differs: ${states.join(", ")}`);
  }
  return problems;
}

/** What is wrong with a member's disk, whatever the others have. */
function unfit({ name, durable }: Platter, partition: number, { epoch }: View): string[] {
  const { state, damaged } = durable.of(partition);
  const active = state?.view.epoch === epoch && !state.sealed;
  return [
    ...(active ? [] : [`${name} is not active in epoch ${epoch} of partition ${partition}`]),
    ...(damaged.size > 0 ? [`${name} has damaged records`] : []),
  ];
}

function told(held: { stamp: { epoch: number; ballot: number; count: number } } | undefined) {
  return held === undefined ? "none" : Object.values(held.stamp).join("-");
}
