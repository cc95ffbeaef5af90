/**
 * A cluster without containers: the fake API server, a StatefulSet controller that makes pods, and
 * fake nodes behind the pods. The operator under test is the real one, with all its loops.
 */
import { type Logger, pino } from "pino";
import { type ChordRing, type Condition, DEFAULTS } from "../../src/api/chordring.ts";
import { foundersIn } from "../../src/resources/config-map.ts";
import { digest } from "../../src/resources/digest.ts";
import { peerTokenIn } from "../../src/resources/peer-token.ts";
import { OperatorMetrics } from "../../src/metrics/metrics.ts";
import { Operator } from "../../src/reconcile/operator.ts";
import { HttpNodeAdmin } from "../../src/ring/node-admin.ts";
import { FakeApiServer, type Stored } from "./fake-api-server.ts";
import { FakeRing } from "./fake-ring.ts";
import { until } from "./until.ts";

export const NAMESPACE = "default";
export const RINGS = "/apis/chordring.dev/v1alpha1";
const APPS = "/apis/apps/v1";
const CORE = "/api/v1";

export const silent: Logger = pino({ level: process.env["TEST_LOG"] ?? "silent" });

/** Pods that are told not to run, and why. */
export type StuckPods = Map<string, string>;

export interface RunningOperator {
  operator: Operator;
  metrics: OperatorMetrics;
  stop: () => Promise<void>;
}

export interface FakeClusterOptions {
  successors?: number;
  settleMs?: number;
  /** Whether the nodes have a data layer; those of earlier versions have none. */
  data?: boolean;
}

export class FakeCluster {
  readonly api = new FakeApiServer();
  readonly ring: FakeRing;
  readonly stuck: StuckPods = new Map();
  readonly restarts: string[] = [];
  /** Pods that the scheduler leaves alone, in a cluster with zones. */
  readonly unscheduled = new Set<string>();
  /** The zones of the cluster, one Kubernetes node each, to which pods go in turn. */
  zones: readonly string[] = [];
  readonly #operators: RunningOperator[] = [];
  #busy: Promise<void> = Promise.resolve();

  constructor(options: FakeClusterOptions = {}) {
    this.ring = new FakeRing({
      token: () => peerTokenIn(this.#data("secrets", "demo-peer-token")) ?? "none",
      founders: () => foundersIn(this.#data("configmaps", "demo-config")) ?? [],
      copies: () => this.#copies(),
      speaksOfData: options.data ?? false,
      successors: options.successors ?? DEFAULTS.successors,
      settleMs: options.settleMs ?? 15,
    });
    this.ring.onChange = () => this.#schedule();
    this.api.onChange = (_type, plural) => {
      if (plural === "statefulsets" || plural === "pods") this.#schedule();
    };
    this.api.defaults = (plural, object) => {
      if (plural === "services") object.spec = { clusterIP: "10.0.0.1", ...object.spec };
    };
  }

  async start(): Promise<void> {
    await this.api.start();
  }

  async stop(): Promise<void> {
    for (const running of this.#operators) await running.stop();
    this.api.onChange = () => undefined;
    this.ring.onChange = () => undefined;
    await this.#busy;
    await this.ring.stop();
    await this.api.stop();
  }

  /** Starts an operator process, in effect; several may run after one another. */
  startOperator(nodeImage = "node:1"): RunningOperator {
    const metrics = new OperatorMetrics();
    const admin = new HttpNodeAdmin();
    const operator = new Operator(
      { config: this.api.kubeConfig(), metrics, admin, log: silent },
      {
        identity: "test",
        workers: 4,
        reconcile: {
          nodeImage,
          operatorNamespace: "chordring-system",
          addressOf: (pod) => this.ring.address(pod.metadata.name),
          pace: {
            settledMs: 100,
            unsettledMs: 20,
            stuckMs: 50,
            scalingMs: 10,
            keysMs: 300,
            movingMs: 100,
            placedMs: 30,
            shortfallMs: 300,
            tokenMs: 100,
            problemMs: 0,
          },
        },
      },
    );
    const controller = new AbortController();
    const done = operator.run(controller.signal);
    const stop = async (): Promise<void> => {
      controller.abort();
      await done;
      admin.close();
    };
    const running = { operator, metrics, stop };
    this.#operators.push(running);
    return running;
  }

  applyRing(spec: Partial<ChordRing["spec"]>, annotations: Record<string, string> = {}): void {
    const before = this.api.find("chordrings", "demo");
    const fields = { ...DEFAULTS, ...before?.spec, ...spec };
    this.api.put(RINGS, "chordrings", {
      ...before,
      apiVersion: "chordring.dev/v1alpha1",
      kind: "ChordRing",
      metadata: { ...before?.metadata, name: "demo", namespace: NAMESPACE, annotations },
      spec: structuredClone(fields),
    });
  }

  status(): Partial<NonNullable<ChordRing["status"]>> {
    const ring = this.api.find("chordrings", "demo") as unknown as ChordRing | undefined;
    return ring?.status ?? {};
  }

  generation(): number | undefined {
    return this.api.find("chordrings", "demo")?.metadata.generation;
  }

  condition(type: string): Partial<Condition> {
    return this.status().conditions?.find((entry) => entry.type === type) ?? {};
  }

  replicas(): unknown {
    return this.api.find("statefulsets", "demo")?.spec?.["replicas"];
  }

  podNames(): string[] {
    return this.api
      .list("pods")
      .map((pod) => pod.metadata.name)
      .toSorted();
  }

  async converged(replicas: number): Promise<void> {
    await until(`a converged ring of ${replicas}`, () => {
      const { members, readyReplicas } = this.status();
      const converged = this.condition("RingConverged").status === "True";
      return converged && members === replicas && readyReplicas === replicas;
    });
  }

  /** Ends a node's process and starts it again, as a crashed container would be. */
  async crash(name: string): Promise<void> {
    await this.ring.end(name, false);
    await this.ring.start(name);
  }

  #data(plural: string, name: string): Record<string, string> | undefined {
    return this.api.find(plural, name)?.["data"] as Record<string, string> | undefined;
  }

  #copies(): number {
    const text = this.#data("configmaps", "demo-config")?.["ring.json"] ?? "{}";
    return (JSON.parse(text) as { copies?: number }).copies ?? 1;
  }

  #schedule(): void {
    this.#busy = this.#busy.then(() => this.#control()).catch(() => undefined);
  }

  /** The StatefulSet controller and the kubelet in one. */
  async #control(): Promise<void> {
    const set = this.api.find("statefulsets", "demo");
    if (!set) return;
    const replicas = Number(set.spec?.["replicas"] ?? 0);
    const revision = digest(set.spec?.["template"]);
    const wanted = Array.from({ length: replicas }, (_, ordinal) => `demo-${ordinal}`);
    await this.#endPods(wanted, revision);
    for (const name of wanted) {
      if (!this.api.find("pods", name)) await this.#startPod(name, set, revision);
      this.#reportPod(name);
    }
    const status = { replicas, currentRevision: revision, updateRevision: revision };
    this.api.put(APPS, "statefulsets", { ...set, status });
  }

  async #endPods(wanted: readonly string[], revision: string): Promise<void> {
    for (const pod of this.api.list("pods")) {
      const { name } = pod.metadata;
      const stays = wanted.includes(name);
      if (stays && pod.metadata.labels?.["controller-revision-hash"] === revision) continue;
      if (stays) this.restarts.push(name);
      await this.ring.end(name, !stays);
      this.api.remove(CORE, "pods", NAMESPACE, name);
    }
  }

  async #startPod(name: string, set: Stored, revision: string): Promise<void> {
    const spec = this.#assign(name);
    if (!this.stuck.has(name) && !this.unscheduled.has(name)) await this.ring.start(name);
    this.api.put(CORE, "pods", {
      spec,
      metadata: {
        name,
        namespace: NAMESPACE,
        labels: { "chordring.dev/ring": "demo", "controller-revision-hash": revision },
        ownerReferences: [{ uid: set.metadata.uid ?? "", controller: true }],
      },
    });
  }

  /** The scheduler: pods go to the zones in turn. */
  #assign(name: string): { nodeName?: string } {
    const zone = this.zones[Number(name.split("-")[1]) % this.zones.length];
    if (zone === undefined || this.unscheduled.has(name)) return {};
    const labels = { "topology.kubernetes.io/zone": zone };
    this.api.put(CORE, "nodes", { metadata: { name: `node-${zone}`, labels } });
    return { nodeName: `node-${zone}` };
  }

  /** Lets the scheduler have a pod that it was to leave alone. */
  async scheduleNow(name: string): Promise<void> {
    this.unscheduled.delete(name);
    const pod = this.api.find("pods", name);
    if (!pod) return;
    await this.ring.start(name);
    this.api.put(CORE, "pods", { ...pod, spec: { ...this.#assign(name) } });
  }

  #reportPod(name: string): void {
    const pod = this.api.find("pods", name);
    if (!pod) return;
    const stuck = this.unscheduled.has(name) ? "Unschedulable" : this.stuck.get(name);
    const ready = this.ring.isMember(name) ? "True" : "False";
    const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
    this.api.put(CORE, "pods", {
      ...pod,
      status: {
        phase: stuck ? "Pending" : "Running",
        podIP: "127.0.0.1",
        conditions: [{ type: "Ready", status: ready }],
        containerStatuses: [
          {
            name: "node",
            started: !stuck,
            state: stuck ? { waiting: { reason: stuck } } : running,
          },
        ],
      },
    });
  }
}
