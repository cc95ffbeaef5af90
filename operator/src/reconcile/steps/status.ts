/**
 * Writes the ring's status. Always last, and also after a step has failed: a ring's owner must be
 * able to read what is wrong.
 *
 * The status is written only when it says something new. Figures may change all the time: the
 * number of keys, and while data moves, how much is left. A status in which nothing else is new
 * waits until the last such write is some seconds old.
 */
import { isDeepStrictEqual } from "node:util";
import {
  API_VERSION,
  type ChordRing,
  type ChordRingStatus,
  conditionOf,
  KIND,
  type NodeStatus,
  RING_LABEL,
} from "../../api/chordring.ts";
import { isStatus } from "../../kube/api-client.ts";
import { mergeConditions } from "../../kube/conditions.ts";
import { KINDS, keyText } from "../../kube/kinds.ts";
import { jittered } from "../../kube/timing.ts";
import type { DataState, RingState } from "../../metrics/metrics.ts";
import type { NodeReading, Picture } from "../../ring/picture.ts";
import { contents, dataStatus } from "../data-findings.ts";
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

type Figures = Pick<ChordRingStatus, "keys" | "bytes" | "data">;

/** What the ring holds; what could not be found out in full stays as it was. */
function figuresOf(pass: Pass, picture: Picture): Partial<Figures> {
  if (pass.chartered) {
    const data = dataStatus(picture.data);
    return { ...contents(picture.data), ...(data === undefined ? {} : { data }) };
  }
  if (picture.unreadable.length > 0) return {};
  return { keys: picture.members.reduce((sum, view) => sum + view.keys, 0) };
}

function describe(pass: Pass): ChordRingStatus {
  const { ring, picture } = pass;
  const { generation, name } = ring.metadata;
  const before = { ...NOTHING_SEEN, ...ring.status };
  const findings = findingsOf(pass, before.conditions);
  return {
    ...before,
    ...(picture ? observed(pass, picture) : {}),
    observedGeneration: generation,
    selector: `${RING_LABEL}=${name}`,
    conditions: mergeConditions(before.conditions, findings, generation),
  };
}

function observed(pass: Pass, picture: Picture): Partial<ChordRingStatus> {
  const staying = pass.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  return {
    replicas: staying.length,
    readyReplicas: readyPods(pass).length,
    members: picture.members.length,
    ...figuresOf(pass, picture),
    nodes: picture.readings.map(nodeStatus),
  };
}

function holds(status: Partial<ChordRingStatus>, type: string): boolean {
  return conditionOf(status, type)?.status === "True";
}

function stateOf(status: ChordRingStatus): RingState {
  if (holds(status, "Degraded")) return "degraded";
  return holds(status, "RingConverged") && holds(status, "Ready") ? "converged" : "progressing";
}

/** The status without what may differ from pass to pass while one and the same thing goes on. */
function withoutFigures(status: Partial<ChordRingStatus>): object {
  const { keys: _keys, bytes: _bytes, data: _data, conditions = [], ...rest } = status;
  const calm = conditions.map((condition) => {
    if (condition.type === "Progressing") return { ...condition, message: "" };
    return condition.type === "DataPlaced" ? { ...condition, reason: "", message: "" } : condition;
  });
  return { ...rest, conditions: calm };
}

/** How long a status with new figures, and nothing else new, still has to wait. */
function figuresWaitMs(pass: Pass, status: ChordRingStatus): number {
  const before = pass.ring.status ?? {};
  if (!isDeepStrictEqual(withoutFigures(status), withoutFigures(before))) return 0;
  const { keysMs, movingMs } = pass.tools.options.pace;
  const moving = status.conditions.some((c) => c.type === "DataPlaced" && c.status === "False");
  const writtenMs = pass.tools.keysWrittenMs.get(pass.uid) ?? 0;
  return Math.max(0, writtenMs + (moving ? movingMs : keysMs) - Date.now());
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
  const degraded = conditionOf(pass.ring.status, "Degraded");
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

function dataStateOf(status: ChordRingStatus): DataState {
  const { status: placed, reason } =
    status.conditions.find((entry) => entry.type === "DataPlaced") ?? {};
  if (placed === undefined || placed === "Unknown") return "unknown";
  if (placed === "True") return "placed";
  return reason === "PartitionsLeaderless" || reason === "CopiesMissing" ? "lacking" : "moving";
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
    const { metrics } = pass.tools;
    metrics.ringState(keyText(pass.key), stateOf(now));
    metrics.ringData(keyText(pass.key), { state: dataStateOf(now), ...now.data });
    pass.lookAgainIn(jittered(paceMs(pass, now), 0.1));
    await tellNews(pass, now);
    if (isDeepStrictEqual(now, pass.ring.status)) return;
    const waitMs = figuresWaitMs(pass, now);
    if (waitMs > 0) pass.lookAgainIn(waitMs);
    else await write(pass, now);
  },
};
