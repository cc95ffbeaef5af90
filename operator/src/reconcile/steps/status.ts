/**
 * Writes the ring's status. Always last, and also after a step has failed: a ring's owner must be
 * able to read what is wrong.
 *
 * The status is written only when it says something new. The number of keys may change all the
 * time, so a status in which nothing else is new waits until the last such write is some seconds
 * old.
 */
import { isDeepStrictEqual } from "node:util";
import {
  API_VERSION,
  type ChordRing,
  type ChordRingStatus,
  KIND,
  type NodeStatus,
  RING_LABEL,
} from "../../api/chordring.ts";
import { isStatus } from "../../kube/api-client.ts";
import { mergeConditions } from "../../kube/conditions.ts";
import { KINDS, keyText } from "../../kube/kinds.ts";
import { jittered } from "../../kube/timing.ts";
import type { RingState } from "../../metrics/metrics.ts";
import type { NodeReading, Picture } from "../../ring/picture.ts";
import { findingsOf, idealMessage, newsOf, readyPods } from "../findings.ts";
import type { Pass, Step } from "../pass.ts";

/** After this long, a ring that has not converged is waiting for somebody and not for time. */
const STUCK_AFTER_MS = 120_000;

const NOTHING_SEEN: ChordRingStatus = {
  observedGeneration: 0,
  replicas: 0,
  readyReplicas: 0,
  members: 0,
  keys: 0,
  selector: "",
  nodes: [],
  conditions: [],
};

function nodeStatus(reading: NodeReading): NodeStatus {
  const { name } = reading;
  if (reading.kind === "view") {
    return { name, id: reading.view.self.id, state: reading.view.state };
  }
  return { name, state: reading.kind === "unreadable" ? "unreachable" : "notRunning" };
}

/** The keys on all members; a node that could not be read leaves the number as it was. */
function keysOf(picture: Picture, before: number): number {
  if (picture.unreadable.length > 0) return before;
  return picture.members.reduce((sum, view) => sum + view.keys, 0);
}

function describe(pass: Pass): ChordRingStatus {
  const { ring, picture } = pass;
  const { generation, name } = ring.metadata;
  const before = { ...NOTHING_SEEN, ...ring.status };
  const findings = findingsOf(pass, before.conditions);
  return {
    ...before,
    ...(picture ? observed(pass, picture, before.keys) : {}),
    observedGeneration: generation,
    selector: `${RING_LABEL}=${name}`,
    conditions: mergeConditions(before.conditions, findings, generation),
  };
}

function observed(pass: Pass, picture: Picture, keysBefore: number): Partial<ChordRingStatus> {
  const staying = pass.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  return {
    replicas: staying.length,
    readyReplicas: readyPods(pass).length,
    members: picture.members.length,
    keys: keysOf(picture, keysBefore),
    nodes: picture.readings.map(nodeStatus),
  };
}

function holds(status: Partial<ChordRingStatus>, type: string): boolean {
  const condition = status.conditions?.find((entry) => entry.type === type);
  return condition?.status === "True";
}

function stateOf(status: ChordRingStatus): RingState {
  if (holds(status, "Degraded")) return "degraded";
  return holds(status, "RingConverged") && holds(status, "Ready") ? "converged" : "progressing";
}

/** How long a status with a new number of keys, and nothing else new, still has to wait. */
function keysWaitMs(pass: Pass, status: ChordRingStatus): number {
  const before = pass.ring.status ?? {};
  if (!isDeepStrictEqual({ ...status, keys: 0 }, { ...before, keys: 0 })) return 0;
  const writtenMs = pass.tools.keysWrittenMs.get(pass.uid) ?? 0;
  return Math.max(0, writtenMs + pass.tools.options.pace.keysMs - Date.now());
}

async function write(pass: Pass, status: ChordRingStatus): Promise<void> {
  const { rings, client, keysWrittenMs } = pass.tools;
  const { name, namespace, uid } = pass.ring.metadata;
  const body = { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace, uid }, status };
  try {
    rings.put(await client.apply<ChordRing>(KINDS.ring, body, "status"));
    keysWrittenMs.set(uid, Date.now());
  } catch (error) {
    // The ring was deleted, or made anew, while this pass was under way.
    if (!isStatus(error, 404, 409)) throw error;
  }
}

/** Whether the ring has been degraded for some time: a hiccup is not news. */
function hasLasted(pass: Pass, ms: number): boolean {
  const degraded = pass.ring.status?.conditions?.find((entry) => entry.type === "Degraded");
  if (degraded?.status !== "True") return false;
  return Date.now() - Date.parse(degraded.lastTransitionTime) >= ms;
}

async function tellNews(pass: Pass, status: ChordRingStatus): Promise<void> {
  const problems = hasLasted(pass, pass.tools.options.pace.problemMs) ? newsOf(pass) : [];
  for (const problem of problems) await pass.tell({ type: "Warning", ...problem });
  if (holds(status, "RingConverged") && !holds(pass.ring.status ?? {}, "RingConverged")) {
    const message = idealMessage(status.members);
    await pass.tell({ type: "Normal", reason: "RingConverged", message });
  }
}

function paceMs(pass: Pass, status: ChordRingStatus): number {
  const { pace } = pass.tools.options;
  if (stateOf(status) === "converged" && !holds(status, "Progressing")) return pace.settledMs;
  const converged = status.conditions.find((entry) => entry.type === "RingConverged");
  const ageMs = Date.now() - Date.parse(converged?.lastTransitionTime ?? "");
  return ageMs > STUCK_AFTER_MS ? pace.stuckMs : pace.unsettledMs;
}

export const status: Step = {
  name: "status",
  async run(pass) {
    const now = describe(pass);
    pass.tools.metrics.ringState(keyText(pass.key), stateOf(now));
    pass.lookAgainIn(jittered(paceMs(pass, now), 0.1));
    await tellNews(pass, now);
    if (isDeepStrictEqual(now, pass.ring.status)) return;
    const waitMs = keysWaitMs(pass, now);
    if (waitMs > 0) pass.lookAgainIn(waitMs);
    else await write(pass, now);
  },
};
