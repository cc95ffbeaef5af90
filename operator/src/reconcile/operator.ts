/**
 * The operator at work: watches on everything rings are made of, a queue of rings, and workers.
 *
 * Every change to an object only puts its ring into the queue; what to do is found out in the pass.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { type ChordRing, RING_LABEL } from "../api/chordring.ts";
import { ApiClient } from "../kube/api-client.ts";
import { Applier } from "../kube/applier.ts";
import { EventRecorder } from "../kube/event-recorder.ts";
import { type Kind, KINDS, type KubeObject, keyText } from "../kube/kinds.ts";
import { NodeZones } from "../kube/node-zones.ts";
import { Reflector, type ReflectorTiming } from "../kube/reflector.ts";
import { WorkQueue } from "../kube/work-queue.ts";
import type { OperatorMetrics } from "../metrics/metrics.ts";
import { digest } from "../resources/digest.ts";
import type { NodeAdmin } from "../ring/node-admin.ts";
import type { PodObject, ReconcileOptions, Tools } from "./pass.ts";
import { Reconciler } from "./reconciler.ts";

/** Changes that come close together, like the pods of one StatefulSet, make one pass. */
const BATCH_MS = 50;
/** A watch that has been silent this long, restarts and all, makes the operator unhealthy. */
const UNHEALTHY_SILENCE_MS = 300_000;

/** Kinds that are watched only where they carry the label of a ring. */
const CHILD_KINDS = [
  KINDS.configMap,
  KINDS.networkPolicy,
  KINDS.podDisruptionBudget,
  KINDS.service,
  KINDS.serviceAccount,
  KINDS.statefulSet,
] as const;

export interface OperatorPorts {
  config: KubeConfig;
  metrics: OperatorMetrics;
  admin: NodeAdmin;
  log: Logger;
}

export interface OperatorOptions {
  reconcile: ReconcileOptions;
  /** Names this process in leases and events. */
  identity: string;
  workers: number;
  watch?: Partial<ReflectorTiming>;
}

export class Operator {
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #rings: Reflector<ChordRing>;
  readonly #reflectors: Reflector<never>[];
  #synced = false;

  constructor(ports: OperatorPorts, options: OperatorOptions) {
    const client = new ApiClient(ports.config);
    const { log, metrics } = ports;
    this.#log = log;
    const reflect = <T extends KubeObject>(kind: Kind, labelSelector?: string): Reflector<T> =>
      new Reflector<T>(
        { config: ports.config, client, metrics, log },
        {
          kind,
          onChange: (object) => this.#changed(kind, object),
          ...(labelSelector === undefined ? {} : { labelSelector }),
          ...(options.watch === undefined ? {} : { timing: options.watch }),
        },
      );
    this.#rings = reflect<ChordRing>(KINDS.ring);
    const pods = reflect<PodObject>(KINDS.pod, RING_LABEL);
    const children = new Map<Kind, Reflector<KubeObject>>(
      CHILD_KINDS.map((kind) => [kind, reflect<KubeObject>(kind, RING_LABEL)]),
    );
    this.#reflectors = [this.#rings, pods, ...children.values()] as unknown as Reflector<never>[];
    const tools: Tools = {
      options: options.reconcile,
      client,
      applier: new Applier({
        client,
        storeOf: (kind) => children.get(kind)?.store,
        fingerprint: digest,
        log,
      }),
      events: new EventRecorder(client, log, options.identity),
      admin: ports.admin,
      pods: pods.store,
      rings: this.#rings.store,
      tokens: new Map(),
      keysWrittenMs: new Map(),
      zones: new NodeZones(client, log),
      watches: new Map(),
      metrics,
      log,
    };
    const reconciler = new Reconciler(tools);
    this.#queue = new WorkQueue({
      work: (key) => reconciler.reconcile(key),
      workers: options.workers,
      onDepth: (depth) => metrics.queueDepth(depth),
      log,
    });
  }

  /** Whether every kind has been listed once, so that what is not in a store does not exist. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Whether the watches give signs of life. */
  get healthy(): boolean {
    return this.#reflectors.every((reflector) => reflector.silentMs < UNHEALTHY_SILENCE_MS);
  }

  /** Works until `signal` fires; resolves once the passes under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.#reflectors.map((reflector) => reflector.run(signal));
    const stopped = Promise.all(watching);
    await Promise.race([Promise.all(this.#reflectors.map((entry) => entry.synced)), stopped]);
    if (!signal.aborted) {
      this.#synced = true;
      const rings = this.#rings.store.list();
      this.#log.info({ rings: rings.length }, "Caches are complete, reconciling");
      for (const ring of rings) this.#changed(KINDS.ring, ring);
    }
    await stopped;
    await this.#queue.stop();
  }

  #changed(kind: Kind, object: KubeObject): void {
    // Before the first lists are complete, an object that is not there yet would look deleted.
    if (!this.#synced) return;
    const { namespace = "", name, labels } = object.metadata;
    const ring = kind === KINDS.ring ? name : labels?.[RING_LABEL];
    if (ring !== undefined) this.#queue.add(keyText({ namespace, name: ring }), BATCH_MS);
  }
}
