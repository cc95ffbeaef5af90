/**
 * Decides the next move towards the desired number of nodes. Pure: a picture of the ring in, one
 * move out, so that every situation can be tested without a cluster.
 *
 * Growing is simple: new pods join by themselves. Shrinking removes one node at a time, always the
 * one with the highest ordinal, because that is the one a StatefulSet removes:
 *
 *   ask it to leave → wait until the ring no longer counts on it → one replica fewer
 *
 * Where a removal stands is read from the ring each time and never remembered. And nothing is
 * removed while any running node cannot be read: unknown is not absent.
 */
import type { NodeReading, Picture } from "../ring/picture.ts";
import { namedBy, without } from "../ring/picture.ts";
import type { View } from "../ring/view.ts";

export interface ScaleSituation {
  desired: number;
  /** Replicas of the StatefulSet now. */
  current: number;
  successorListLength: number;
  nodeName: (ordinal: number) => string;
  picture: Picture;
  /** Whether the nodes have ever formed a ring. */
  formed: boolean;
}

export type ScaleMove =
  | { move: "none" }
  | { move: "grow"; replicas: number }
  | { move: "askToLeave"; node: string }
  | { move: "wait"; node: string; message: string }
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
  if (isOut(reading)) return removeWhenForgotten(situation, node);
  if (reading?.kind === "view" && reading.view.state === "leaving") {
    return { move: "wait", node, message: `${node} is leaving the ring` };
  }
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
