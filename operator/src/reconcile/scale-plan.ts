/**
 * Decides the next move towards the desired number of nodes. Pure: a picture of the ring in, one
 * move out, so that every situation can be tested without a cluster.
 *
 * Growing is simple: new pods join by themselves. Shrinking removes one node at a time, always the
 * one with the highest ordinal, because that is the one a StatefulSet removes:
 *
 *   wait until it holds no data and all copies are in place elsewhere → ask it to leave → wait
 *   until the ring no longer counts on it → one replica fewer
 *
 * Its data moves because the roster that the nodes have no longer names it, nor any other node that
 * is to go. Where a removal stands is read from the ring each time and never remembered. And
 * nothing is removed while any running node cannot be read, or does not say what it holds: unknown
 * is neither absent nor empty.
 */
import type { NodeReading, Picture } from "../ring/picture.ts";
import { namedBy, without } from "../ring/picture.ts";
import type { View } from "../ring/view.ts";
import { counted, leftText, shortcomings } from "./figures.ts";

export interface ScaleSituation {
  desired: number;
  /** Replicas of the StatefulSet now. */
  current: number;
  successorListLength: number;
  nodeName: (ordinal: number) => string;
  picture: Picture;
  /** Whether the nodes have ever formed a ring. */
  formed: boolean;
  /** Whether nodes have ever held data in partitions. */
  chartered: boolean;
  /** Until all data has moved, if that can be told. */
  secondsLeft: number | undefined;
}

export type ScaleMove =
  | { move: "none" }
  | { move: "grow"; replicas: number }
  | { move: "askToLeave"; node: string }
  | { move: "wait"; node: string; message: string }
  | { move: "waitForData"; node: string; message: string }
  | { move: "remove"; node: string; replicas: number }
  | { move: "refuse"; reason: string; message: string };

function list(names: readonly string[]): string {
  return names.join(", ");
}

/** Whether a node never came into the ring, so that there is nothing to leave. */
function neverJoined(view: View): boolean {
  return (view.state === "waiting" || view.state === "joining") && !view.founded;
}

function isOut(reading: NodeReading | undefined): boolean {
  if (reading?.kind !== "view") return true;
  return reading.view.state === "left" || neverJoined(reading.view);
}

function blockedBy(situation: ScaleSituation, node: string): ScaleMove | undefined {
  const { picture } = situation;
  if (picture.unreadable.length > 0) {
    const causes = picture.unreadable.map((entry) => entry.cause).join("; ");
    const message =
      `${node} stays until every running node can be read (${causes}). If a node's machine is ` +
      "gone for good, delete its pod with kubectl delete pod --force";
    return { move: "refuse", reason: "NodesUnreadable", message };
  }
  if (picture.split) {
    const message = `${node} stays until the ring is whole again: nodes found members outside it`;
    return { move: "refuse", reason: "RingSplit", message };
  }
  return undefined;
}

/** Nodes that say what they hold and know of partitions; those that do not have no part in them. */
function chartered({ picture }: ScaleSituation): View[] {
  return picture.readings.flatMap((reading) =>
    reading.kind === "view" && reading.view.data?.chartered ? [reading.view] : [],
  );
}

/** What is not known and would have to be. */
function unknownData(situation: ScaleSituation, node: string): ScaleMove | undefined {
  const { unknown } = situation.picture.data;
  if (unknown.length > 0) {
    const message =
      `${node} stays until it is known what data each running node holds: ` +
      `${list(unknown)} does not say`;
    return { move: "refuse", reason: "DataUnknown", message };
  }
  if (chartered(situation).every((view) => view.self.name === node)) {
    const message = `${node} stays, because no other running node knows where the data is`;
    return { move: "refuse", reason: "DataUnknown", message };
  }
  return undefined;
}

/** Whether the others still move data, so that this is no time to go, or to be missing. */
function unplacedData(situation: ScaleSituation, node: string): ScaleMove | undefined {
  const { picture, secondsLeft } = situation;
  const untold = chartered(situation).filter(
    ({ data }) => data?.roster?.pods.some((pod) => pod.name === node) ?? true,
  );
  if (untold.length > 0) {
    const nodes = untold.length === 1 ? "1 more node has" : `${untold.length} more nodes have`;
    const message = `${node} stays until ${nodes} heard that it is to hold no data`;
    return { move: "waitForData", node, message };
  }
  const lacking = shortcomings(picture.data);
  if (lacking.length === 0) return undefined;
  const left = leftText(picture.data, secondsLeft);
  const message = [`${node} stays until all data is in place: ${list(lacking)}`, left ?? []];
  return { move: "waitForData", node, message: message.flat().join("; ") };
}

/** The node's own data, by its own account. */
function heldData(situation: ScaleSituation, { self, data }: View): ScaleMove | undefined {
  const held = data?.held ?? 0;
  if (held === 0) return undefined;
  const node = self.name;
  const left = leftText(situation.picture.data, situation.secondsLeft);
  const message = [`${node} still holds ${counted(held, "partition")}`, left ?? []];
  return { move: "waitForData", node, message: message.flat().join("; ") };
}

/** What keeps a node because of data, its own or that of the others. */
function keptByData(
  situation: ScaleSituation,
  reading: NodeReading | undefined,
  node: string,
): ScaleMove | undefined {
  if (!situation.chartered) return undefined;
  const unknown = unknownData(situation, node);
  if (unknown) return unknown;
  // A node that does not run says nothing: it holds nothing only if everything is elsewhere.
  if (reading?.kind !== "view") return unplacedData(situation, node);
  const held = heldData(situation, reading.view);
  // One that is out of the ring and holds nothing is missed by nobody.
  return held ?? (isOut(reading) ? undefined : unplacedData(situation, node));
}

function askToLeave(situation: ScaleSituation, node: string): ScaleMove {
  const others = situation.picture.members.filter((view) => view.self.name !== node);
  if (others.length === 0) {
    const message = `${node} stays, because it is the ring's only member; another must join first`;
    return { move: "refuse", reason: "LastMember", message };
  }
  return { move: "askToLeave", node };
}

/** The node is out by its own account, or not there to ask: now the others must agree. */
function removeWhenForgotten(situation: ScaleSituation, node: string): ScaleMove {
  const { picture, current, successorListLength } = situation;
  const remove: ScaleMove = { move: "remove", node, replicas: current - 1 };
  if (!situation.formed) return remove;
  const naming = namedBy(picture, node);
  if (naming.length > 0) {
    return { move: "wait", node, message: `${list(naming)} still counts on ${node}` };
  }
  const { flaw } = without(picture, node, successorListLength);
  if (flaw !== undefined) {
    return { move: "wait", node, message: `${node} stays until the ring has settled: ${flaw}` };
  }
  return remove;
}

function shrink(situation: ScaleSituation): ScaleMove {
  const { picture, current } = situation;
  const node = situation.nodeName(current - 1);
  const blocked = blockedBy(situation, node);
  if (blocked) return blocked;
  const reading = picture.readings.find((entry) => entry.name === node);
  if (reading?.kind === "view" && reading.view.state === "leaving") {
    return { move: "wait", node, message: `${node} is leaving the ring` };
  }
  const kept = keptByData(situation, reading, node);
  if (kept) return kept;
  if (isOut(reading)) return removeWhenForgotten(situation, node);
  return askToLeave(situation, node);
}

export function planScale(situation: ScaleSituation): ScaleMove {
  const { desired, current } = situation;
  if (current < desired) return { move: "grow", replicas: desired };
  if (current > desired) return shrink(situation);
  return { move: "none" };
}

/** Nodes that left earlier but are wanted again: the ring was scaled back up. */
export function nodesToRejoin(situation: ScaleSituation): string[] {
  const wanted = new Set(
    Array.from({ length: situation.desired }, (_, ordinal) => situation.nodeName(ordinal)),
  );
  return situation.picture.readings
    .filter((reading) => reading.kind === "view" && reading.view.state === "left")
    .map((reading) => reading.name)
    .filter((name) => wanted.has(name));
}
