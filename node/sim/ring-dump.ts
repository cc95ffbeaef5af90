/**
 * A picture of a live ring, as `GET /v1/ring/nodes` gives it, checked by the very invariants that
 * the simulator checks after every event.
 *
 * A crawl is no consistent cut: the views are taken one after the other, so a ring in change may
 * show what was never there together. What is still there in several crawls, an interval apart, is.
 */
import { z } from "zod";
import {
  checkIdeal,
  checkList,
  checkRing,
  type Id,
  invariants,
  isId,
  type NodeView,
  type RingInvariant,
} from "../src/chord/index.ts";

const id = z.custom<Id>((value) => isId(value), "an identifier is 40 lower-case hex digits");
const reference = z.object({ name: z.string(), id, address: z.string() });
const view = z.object({
  self: reference,
  state: z.enum(["waiting", "joining", "member", "leaving", "left"]),
  epoch: z.int().min(0),
  predecessor: reference.nullable(),
  successors: z.array(reference),
});
const dump = z.object({ nodes: z.array(view).min(1, "no node is in it") });

export type RingDump = z.infer<typeof dump>;

/** Input that is no such picture. */
export class DumpError extends Error {}

/** Something wrong in one picture. */
export interface Finding {
  /** An invariant, or `ideal` for what every quiet ring should be and a ring in change is not. */
  readonly code: RingInvariant | "epoch" | "ideal";
  readonly problem: string;
}

export interface RingReport {
  readonly nodes: number;
  readonly members: number;
  /** Successor-list length r, given or the longest list. */
  readonly successors: number;
  readonly findings: readonly Finding[];
}

export function parseDump(text: string): RingDump {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DumpError(`This is no JSON: ${(error as Error).message}`);
  }
  const parsed = dump.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = z.prettifyError(parsed.error);
  throw new DumpError(`This is no answer of GET /v1/ring/nodes:\n${problems}`);
}

export function checkDump({ nodes }: RingDump, given?: number): RingReport {
  const members: NodeView[] = nodes.filter(
    ({ state }) => state === "member" || state === "leaving",
  );
  const longest = Math.max(1, ...nodes.map((node) => othersOf(node).length));
  const successors = given ?? longest;
  const epochs = [...new Set(nodes.map(({ epoch }) => epoch))].sort((a, b) => a - b);
  const violations = [
    ...members.flatMap((member) => checkList(member, successors)),
    // A ring of fewer than r+1 nodes cannot have r+1 principals.
    ...checkRing(members, successors).filter(
      ({ invariant }) => invariant !== "R2" || members.length > successors,
    ),
  ];
  const findings: Finding[] = [
    ...violations.map(({ invariant, problem }): Finding => ({ code: invariant, problem })),
    ...checkIdeal(members, successors).problems.map(
      (problem): Finding => ({ code: "ideal", problem }),
    ),
  ];
  if (epochs.length > 1) {
    findings.unshift({ code: "epoch", problem: `nodes are in epochs ${epochs.join(", ")}` });
  }
  return { nodes: nodes.length, members: members.length, successors, findings };
}

function othersOf(node: RingDump["nodes"][number]): readonly unknown[] {
  return node.successors.filter((successor) => successor.id !== node.self.id);
}

/** These say something of the ring as a whole, each time in other words. */
const wholeRing: ReadonlySet<Finding["code"]> = new Set(["R2", "R5", "R6", "R11", "epoch"]);

/** What all reports found, in the words of the last one. */
export function lasting(reports: readonly RingReport[]): Finding[] {
  const keyOf = ({ code, problem }: Finding): string =>
    wholeRing.has(code) ? code : `${code} ${problem}`;
  const earlier = reports.map(({ findings }) => new Set(findings.map((each) => keyOf(each))));
  const last = reports.at(-1)?.findings ?? [];
  return last.filter((finding) => earlier.every((found) => found.has(keyOf(finding))));
}

/** The code and what it stands for. */
export function explain(code: Finding["code"]): string {
  if (code === "ideal") return "in a quiet ring every node knows its predecessor and the next r";
  if (code === "epoch") return "all nodes are in one ring of one epoch";
  return invariants[code];
}
