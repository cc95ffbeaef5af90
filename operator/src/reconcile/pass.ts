/**
 * One pass over one ring: what it works with, and what its steps have found out so far.
 *
 * A pass starts from nothing but the names of things. Whatever it needs to know it reads from the
 * API server and from the nodes, so that an operator that died at any point is followed by one that
 * goes on from there.
 */
import type { V1ContainerStatus, V1PodCondition } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { API_VERSION, type ChordRing, KIND } from "../api/chordring.ts";
import type { ApiClient } from "../kube/api-client.ts";
import type { Applier } from "../kube/applier.ts";
import type { EventRecorder, News } from "../kube/event-recorder.ts";
import type { KubeObject, ObjectKey } from "../kube/kinds.ts";
import type { NodeZones } from "../kube/node-zones.ts";
import type { Store } from "../kube/store.ts";
import type { OperatorMetrics } from "../metrics/metrics.ts";
import type { StatefulSetSpec } from "../resources/stateful-set.ts";
import type { NodeAddress, NodeAdmin } from "../ring/node-admin.ts";
import type { Picture } from "../ring/picture.ts";
import type { DataWatch, Outlook } from "./data-watch.ts";
import type { RosterPlan } from "./roster-plan.ts";

export interface StatefulSetObject extends KubeObject {
  spec: StatefulSetSpec;
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
  };
}

export type ContainerState = Pick<V1ContainerStatus, "name" | "started" | "state"> & {
  restartCount?: number;
};

export interface PodObject extends KubeObject {
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: Pick<V1PodCondition, "type" | "status" | "reason">[];
    containerStatuses?: ContainerState[];
  };
}

export interface ReconcileOptions {
  nodeImage: string;
  operatorNamespace: string;
  /** Where a pod's admin API listens, without the port when it is the usual one. */
  addressOf: (pod: PodObject) => string | undefined;
  pace: Pace;
}

/** How soon a ring is looked at again. */
export interface Pace {
  /** Nothing is going on. */
  settledMs: number;
  /** The ring is not what it should be. */
  unsettledMs: number;
  /** It has not been what it should be for a long time: somebody else has to act. */
  stuckMs: number;
  /** Nodes are leaving or coming back. */
  scalingMs: number;
  /** The shortest time between two writes of a status in which only the number of keys changed. */
  keysMs: number;
  /** The same while data moves, when its figures are what people look at. */
  movingMs: number;
  /** Data counts as placed once it has been for this long, so that the status does not flicker. */
  placedMs: number;
  /** Copies that have been missing for this long degrade the ring; a restart takes less. */
  shortfallMs: number;
  /** How often the Secret with the token, which is not watched, is looked at. */
  tokenMs: number;
  /** A problem becomes an event once the ring has been degraded for this long. */
  problemMs: number;
}

export const PACE: Pace = {
  settledMs: 10_000,
  unsettledMs: 1_000,
  stuckMs: 5_000,
  scalingMs: 400,
  keysMs: 10_000,
  movingMs: 3_000,
  placedMs: 2_000,
  shortfallMs: 30_000,
  tokenMs: 30_000,
  problemMs: 3_000,
};

/** What the reconciliation works with; shared by all passes. */
export interface Tools {
  options: ReconcileOptions;
  client: ApiClient;
  applier: Applier;
  events: EventRecorder;
  admin: NodeAdmin;
  pods: Store<PodObject>;
  rings: Store<ChordRing>;
  tokens: Map<string, TokenMemory>;
  keysWrittenMs: Map<string, number>;
  zones: NodeZones;
  /** What figures were before, by the ring's uid. */
  watches: Map<string, DataWatch>;
  metrics: OperatorMetrics;
  log: Logger;
}

/** A ring's token, kept so that a deleted Secret comes back with the token the nodes know. */
export interface TokenMemory {
  token: string;
  checkedMs: number;
}

/** Something that keeps the ring from being what it should be, in words for its owner. */
export interface Problem {
  reason: string;
  message: string;
}

export class Pass {
  readonly ring: ChordRing;
  readonly tools: Tools;
  readonly log: Logger;
  readonly problems: Problem[] = [];
  /** What is going on, when something is: shown in the Progressing condition. */
  progress: Problem | undefined;
  /** Set when the operator could run the nodes differently but waits to be told. */
  updateAvailable: string | undefined;
  token = "";
  statefulSet: StatefulSetObject | undefined;
  pods: PodObject[] = [];
  picture: Picture | undefined;
  founders: string[] = [];
  /** Whether the nodes have ever formed a ring; once true, it stays true. */
  formed = false;
  /** Whether the nodes have ever held data in partitions; once true, it stays true. */
  chartered = false;
  /** Which pods shall hold the data, once there is any. */
  roster: RosterPlan | undefined;
  /** What the ring's figures look like beside those of earlier passes. */
  outlook: Outlook | undefined;
  /** The replicas that the StatefulSet is to have after this pass. */
  replicas = 0;
  #lookAgainMs: number | undefined;

  constructor(ring: ChordRing, tools: Tools) {
    this.ring = ring;
    this.tools = tools;
    this.log = tools.log.child({ ring: ring.metadata.name, namespace: ring.metadata.namespace });
  }

  get key(): ObjectKey {
    return { namespace: this.ring.metadata.namespace, name: this.ring.metadata.name };
  }

  get uid(): string {
    return this.ring.metadata.uid;
  }

  get lookAgainMs(): number | undefined {
    return this.#lookAgainMs;
  }

  /** Asks for another pass after `ms`; the shortest request wins. */
  lookAgainIn(ms: number): void {
    this.#lookAgainMs = Math.min(ms, this.#lookAgainMs ?? Number.POSITIVE_INFINITY);
  }

  async tell(news: News): Promise<void> {
    const { metadata } = this.ring;
    await this.tools.events.record({ apiVersion: API_VERSION, kind: KIND, metadata }, news);
  }

  podNamed(name: string): PodObject | undefined {
    return this.pods.find((pod) => pod.metadata.name === name);
  }

  addressOf(name: string): NodeAddress | undefined {
    const pod = this.podNamed(name);
    const address = pod && this.tools.options.addressOf(pod);
    return address === undefined ? undefined : { name, address, token: this.token };
  }
}

/** One concern of the reconciliation. Steps run in order and may be run again at any time. */
export interface Step {
  name: string;
  run(pass: Pass): Promise<void>;
}

/** The ordinal of a ring's pod, or undefined for a name that is not one of a node. */
export function ordinalOf(ring: ChordRing, podName: string): number | undefined {
  const prefix = `${ring.metadata.name}-`;
  const rest = podName.slice(prefix.length);
  return podName.startsWith(prefix) && /^\d+$/.test(rest) ? Number(rest) : undefined;
}

export function isReady(pod: PodObject): boolean {
  const conditions = pod.status?.conditions ?? [];
  return conditions.some((entry) => entry.type === "Ready" && entry.status === "True");
}

/** Whether the pod's process has been up long enough to answer. */
export function isRunning(pod: PodObject): boolean {
  const status = pod.status?.containerStatuses?.[0];
  return (
    pod.status?.phase === "Running" &&
    status?.state?.running !== undefined &&
    status.started !== false
  );
}
