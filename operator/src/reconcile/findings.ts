/**
 * Turns what a pass has seen into the conditions of the ring's status. Pure.
 *
 * Messages name nodes and causes but no times and no counters, so that a ring in which nothing
 * happens has a status in which nothing changes. Only where data moves do they have figures, and
 * the status step knows where.
 */
import type { Condition } from "../api/chordring.ts";
import type { Finding } from "../kube/conditions.ts";
import { nodeName } from "../resources/manifest.ts";
import type { Picture } from "../ring/picture.ts";
import { placement } from "./data-findings.ts";
import { type ContainerState, isReady, type Pass, type PodObject, type Problem } from "./pass.ts";

/** Reasons for which a container waits and that do not pass by themselves. */
const STUCK_REASONS = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
]);

const MESSAGE_NODES_MAX = 5;

function names(list: readonly string[]): string {
  const shown = list.slice(0, MESSAGE_NODES_MAX).join(", ");
  const more = list.length - MESSAGE_NODES_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function stuckReason(pod: PodObject): string | undefined {
  const { conditions = [], containerStatuses = [] } = pod.status ?? {};
  const scheduled = conditions.find((entry) => entry.type === "PodScheduled");
  if (scheduled?.reason === "Unschedulable") return scheduled.reason;
  return containerStatuses.map(stuckContainer).find((reason) => reason !== undefined);
}

/** A container between two crashes runs for a moment; it is as stuck then as while it waits. */
function stuckContainer(container: ContainerState): string | undefined {
  const { state, restartCount = 0, started = false } = container;
  const reason = state?.waiting?.reason ?? "";
  if (STUCK_REASONS.has(reason)) return reason;
  return restartCount > 1 && !started ? "CrashLoopBackOff" : undefined;
}

function stuckPods(pods: readonly PodObject[]): string[] {
  return pods.flatMap((pod) => {
    const reason = stuckReason(pod);
    return reason === undefined ? [] : [`${pod.metadata.name} (${reason})`];
  });
}

/** Pods that will not start by themselves, as a problem for the ring's owner. */
export function podProblem(pods: readonly PodObject[]): Problem | undefined {
  const stuck = stuckPods(pods);
  if (stuck.length === 0) return undefined;
  const message = `${names(stuck)} cannot start; kubectl describe pod says why`;
  return { reason: "PodsNotStarting", message };
}

/** All problems as single pieces of news: one a pod, so that each is told once. */
export function newsOf(pass: Pass): Problem[] {
  const pods = stuckPods(pass.pods).map((pod) => ({
    reason: "PodsNotStarting",
    message: `${pod} cannot start; kubectl describe pod says why`,
  }));
  return [...pass.problems, ...pods];
}

export function readyPods(pass: Pass): PodObject[] {
  return pass.pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
}

function wantedNodes(pass: Pass): string[] {
  const { name } = pass.ring.metadata;
  return Array.from({ length: pass.ring.spec.replicas }, (_, ordinal) => nodeName(name, ordinal));
}

function readiness(pass: Pass): Finding {
  const ready = new Set(readyPods(pass).map((pod) => pod.metadata.name));
  const wanted = wantedNodes(pass);
  const missing = wanted.filter((name) => !ready.has(name));
  if (missing.length === 0) {
    const message = "every node is in the ring and able to serve";
    return { type: "Ready", status: "True", reason: "AllNodesReady", message };
  }
  const waiting = pass.picture?.readings.find(
    (reading) => reading.kind === "view" && reading.view.state === "waiting",
  );
  const detail = waiting?.kind === "view" ? waiting.view.detail : "";
  const why = detail === "" ? "" : `; ${waiting?.name}: ${detail}`;
  const message = `not ready: ${names(missing)}${why}`;
  return { type: "Ready", status: "False", reason: "NodesNotReady", message };
}

function convergence(pass: Pass, picture: Picture): Finding {
  const type = "RingConverged";
  if (picture.unreadable.length > 0) {
    const message = picture.unreadable.map((entry) => entry.cause).join("; ");
    return { type, status: "Unknown", reason: "NodesUnreadable", message };
  }
  if (!pass.formed) {
    return { type, status: "False", reason: "Forming", message: "the ring has not formed yet" };
  }
  if (picture.split) {
    const message = "there are members outside the ring; they are merging";
    return { type, status: "False", reason: "RingSplit", message };
  }
  if (picture.flaw !== undefined) {
    return { type, status: "False", reason: "NotIdeal", message: picture.flaw };
  }
  return membership(pass, picture);
}

export function idealMessage(count: number): string {
  return count === 1 ? "1 node forms an ideal ring" : `${count} nodes form one ideal ring`;
}

function membership(pass: Pass, picture: Picture): Finding {
  const type = "RingConverged";
  const wanted = wantedNodes(pass);
  const members = new Set(picture.members.map((view) => view.self.name));
  const missing = wanted.filter((name) => !members.has(name));
  const extra = [...members].filter((name) => !wanted.includes(name));
  if (missing.length > 0) {
    const message = `not in the ring: ${names(missing)}`;
    return { type, status: "False", reason: "NodesMissing", message };
  }
  if (extra.length > 0) {
    const message = `still in the ring: ${names(extra)}`;
    return { type, status: "False", reason: "NodesToLeave", message };
  }
  return { type, status: "True", reason: "Ideal", message: idealMessage(wanted.length) };
}

function rollout(pass: Pass): Problem | undefined {
  const { statefulSet } = pass;
  const status = statefulSet?.status;
  if (status?.updateRevision === undefined) return undefined;
  if (status.updateRevision === status.currentRevision) return undefined;
  const message = "nodes restart one by one on a changed pod template";
  return { reason: "RollingOut", message };
}

interface Reached {
  ready: Finding;
  converged: Finding;
  placed: Finding;
}

function progress(pass: Pass, { ready, converged, placed }: Reached): Finding {
  const type = "Progressing";
  const going = pass.progress ?? rollout(pass);
  if (going) return { type, status: "True", ...going };
  if (!pass.formed) {
    const message = "the founders are starting and finding each other";
    return { type, status: "True", reason: "Forming", message };
  }
  if (ready.status !== "True") {
    return { type, status: "True", reason: "NodesStarting", message: ready.message };
  }
  if (converged.status !== "True") {
    return { type, status: "True", reason: "Converging", message: converged.message };
  }
  if (placed.status === "False") {
    return { type, status: "True", reason: "PlacingData", message: placed.message };
  }
  return { type, status: "False", reason: "Settled", message: "nothing is going on" };
}

function degradation(pass: Pass, ready: Finding): Finding {
  const type = "Degraded";
  const problems = [...pass.problems];
  const stuck = podProblem(pass.pods);
  if (stuck) problems.push(stuck);
  const [first] = problems;
  if (first) {
    const message = problems.map((problem) => problem.message).join("; ");
    return { type, status: "True", reason: first.reason, message };
  }
  const busy = pass.progress !== undefined || rollout(pass) !== undefined;
  if (pass.formed && !busy && ready.status !== "True") {
    return { type, status: "True", reason: "NodesNotReady", message: ready.message };
  }
  return { type, status: "False", reason: "AsExpected", message: "no problem is known" };
}

function update(pass: Pass): Finding {
  const type = "UpdateAvailable";
  if (pass.updateAvailable === undefined) {
    const message = "the nodes run as this operator would start them";
    return { type, status: "False", reason: "UpToDate", message };
  }
  const message = pass.updateAvailable;
  return { type, status: "True", reason: "WaitsForOwner", message };
}

function unobserved(type: string, before: readonly Condition[]): Finding {
  const old = before.find((condition) => condition.type === type);
  if (old) {
    const { status, reason, message } = old;
    return { type, status, reason, message };
  }
  const message = "the ring could not be observed yet";
  return { type, status: "Unknown", reason: "NotObserved", message };
}

/** All conditions; those that this pass could not observe stay as they were. */
export function findingsOf(pass: Pass, before: readonly Condition[]): Finding[] {
  const { picture } = pass;
  if (!picture) {
    const kept = ["Ready", "RingConverged", "Progressing", "DataPlaced", "UpdateAvailable"];
    const ready = unobserved("Ready", before);
    return [...kept.map((type) => unobserved(type, before)), degradation(pass, ready)];
  }
  const ready = readiness(pass);
  const converged = convergence(pass, picture);
  const placed = placement(pass, picture.data, before);
  return [
    ready,
    progress(pass, { ready, converged, placed }),
    degradation(pass, ready),
    converged,
    placed,
    update(pass),
  ];
}
