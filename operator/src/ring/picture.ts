/**
 * What the views of all nodes together say about the ring. Pure: views in, findings out.
 *
 * An ideal ring: put the members in the order of their ids; then every member's predecessor is the
 * one before it and its successor list is the next ones in that order. Anything else is on its way
 * there, or broken.
 */
import { type DataPicture, dataPictureOf } from "./data-picture.ts";
import type { View } from "./view.ts";

/** One node as far as it is known. */
export type NodeReading =
  | { kind: "view"; name: string; view: View }
  /** Its pod runs, but it could not be read: it may be anything, a member too. */
  | { kind: "unreadable"; name: string; cause: string }
  /** Its pod does not run, so nobody can reach it. */
  | { kind: "notRunning"; name: string };

export interface Picture {
  readings: NodeReading[];
  /** Views of the nodes that say they are members, in the order of their ids. */
  members: View[];
  unreadable: { name: string; cause: string }[];
  /** Whether any node is, or remembers having been, part of a formed ring. */
  formed: boolean;
  split: boolean;
  /** Why the members do not form one ideal ring; undefined when they do. */
  flaw: string | undefined;
  data: DataPicture;
}

function byId(a: View, b: View): number {
  if (a.self.id === b.self.id) return 0;
  return a.self.id < b.self.id ? -1 : 1;
}

/** The successors a member of an ideal ring has: the next ones round the circle, never itself. */
function expectedSuccessors(members: readonly View[], index: number, length: number): string[] {
  const count = Math.min(length, members.length - 1);
  return Array.from({ length: count }, (_, offset) => {
    const next = members[(index + 1 + offset) % members.length];
    return next?.self.name ?? "";
  });
}

/** The list up to the node itself, with which the list of a small ring may end. */
function successorsOf(view: View, length: number): string[] {
  const listed = view.successors.map((node) => node.name);
  const self = listed.indexOf(view.self.name);
  return (self === -1 ? listed : listed.slice(0, self)).slice(0, length);
}

function flawOfMember(members: readonly View[], index: number, length: number): string | undefined {
  const view = members[index];
  if (!view) return undefined;
  const { name } = view.self;
  const before = members.at(index - 1)?.self.name ?? name;
  const predecessor = view.predecessor?.name ?? (members.length === 1 ? name : "nobody");
  if (predecessor !== before) {
    return `${name} has ${predecessor} as its predecessor, but ${before} comes before it`;
  }
  const successors = successorsOf(view, length);
  const expected = expectedSuccessors(members, index, length);
  if (successors.join() !== expected.join()) {
    const has = successors.join(", ") || "nobody";
    return `${name} has ${has} in its successor list, but ${expected.join(", ")} come after it`;
  }
  return undefined;
}

/** Why these members do not form an ideal ring with successor lists of `length`. */
export function ringFlaw(members: readonly View[], length: number): string | undefined {
  if (members.length === 0) return "no node is a member of the ring yet";
  for (let index = 0; index < members.length; index += 1) {
    const flaw = flawOfMember(members, index, length);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

export function pictureOf(readings: NodeReading[], successorListLength: number): Picture {
  const views = readings.flatMap((reading) => (reading.kind === "view" ? [reading.view] : []));
  const members = views.filter((view) => view.state === "member").toSorted(byId);
  const unreadable = readings.filter((reading) => reading.kind === "unreadable");
  return {
    readings,
    members,
    unreadable,
    formed: views.some((view) => view.founded || view.state === "member"),
    split: views.some((view) => view.split),
    flaw: ringFlaw(members, successorListLength),
    data: dataPictureOf(views, unreadable),
  };
}

/** The members that still count on `name`: as predecessor, or in their successor list. */
export function namedBy(picture: Picture, name: string): string[] {
  return picture.members
    .filter((view) => view.self.name !== name)
    .filter((view) => [view.predecessor, ...view.successors].some((node) => node?.name === name))
    .map((view) => view.self.name);
}

/** The picture without one node: what the ring looks like to the others. */
export function without(picture: Picture, name: string, successorListLength: number): Picture {
  const others = picture.readings.filter((reading) => reading.name !== name);
  return pictureOf(others, successorListLength);
}
