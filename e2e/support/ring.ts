/**
 * A ring under test: its manifest, its pods, and its nodes as clients see them.
 *
 * Whether it is ideal is judged by the model, from the pods that exist and what each says of
 * itself, never by the product's own word alone.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { V1Pod, V1PodList } from "@kubernetes/client-node";
import { apiGet, apply, kubectl } from "./cluster.ts";
import { type Endpoint, type Exchange, exchange, getJson, type Reply } from "./http.ts";
import { type DataView, IdealRing, type NodeRef, type View } from "./model.ts";
import { reach } from "./reach.ts";
import { eventually, minuteMs, pause, secondMs } from "./wait.ts";

export const API_PORT = 8080;
export const PEER_PORT = 8081;
const SUCCESSORS_DEFAULT = 4;
const PARTITIONS = 256;
const PATIENCE_MS = 20 * secondMs;

export interface RingSpec {
  readonly replicas: number;
  readonly copies?: number;
  readonly successors?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface RingObject {
  readonly metadata: { readonly uid: string; readonly generation: number };
  readonly spec: { readonly replicas: number; readonly successors: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly members?: number;
    readonly selector?: string;
    readonly nodes?: readonly { name: string; id?: string; state: string }[];
    readonly conditions?: readonly Condition[];
  };
}

export interface Lookup {
  readonly key: string;
  readonly id: string;
  readonly owner: NodeRef;
  readonly hops: number;
  readonly timeouts: number;
  readonly mode: string;
  readonly path: readonly { readonly node: NodeRef; readonly ms: number }[];
}

/** A pod of the ring that has an address. */
export interface RingNode {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly endpoint: Endpoint;
}

export class Ring {
  readonly namespace: string;
  readonly name: string;
  readonly successors: number;

  constructor(namespace: string, name: string, successors: number = SUCCESSORS_DEFAULT) {
    this.namespace = namespace;
    this.name = name;
    this.successors = successors;
  }

  /** Applies a small ring: little storage, which goes away together with the ring. */
  static async create(namespace: string, name: string, spec: RingSpec): Promise<Ring> {
    const storage = { size: "64Mi", whenDeleted: "Delete", whenScaled: "Delete" };
    await apply({
      apiVersion: "chordring.dev/v1alpha1",
      kind: "ChordRing",
      metadata: { name, namespace },
      spec: { ...spec, storage },
    });
    return new Ring(namespace, name, spec.successors);
  }

  kubectl(words: readonly string[]): Promise<string> {
    return kubectl(["--namespace", this.namespace, ...words]);
  }

  async scale(replicas: number): Promise<void> {
    await this.kubectl(["scale", `ring/${this.name}`, `--replicas=${replicas}`]);
  }

  /** Changes fields of the spec, as `kubectl edit` would. */
  async change(spec: object): Promise<void> {
    const patch = JSON.stringify({ spec });
    await this.kubectl(["patch", "ring", this.name, "--type=merge", `--patch=${patch}`]);
  }

  async delete(): Promise<void> {
    await this.kubectl(["delete", "ring", this.name, "--wait=false"]);
    await eventually(`the pods of ring ${this.name} are gone`, 2 * minuteMs, async () => {
      assert.deepEqual((await this.pods()).map(nameOf), []);
    });
  }

  object(): Promise<RingObject> {
    const group = "/apis/chordring.dev/v1alpha1";
    return apiGet<RingObject>(`${group}/namespaces/${this.namespace}/chordrings/${this.name}`);
  }

  /** The names of the first `count` pods. */
  podNames(count: number): string[] {
    return Array.from({ length: count }, (_, ordinal) => `${this.name}-${ordinal}`);
  }

  /** All pods of the ring, by ordinal, also those that are going away. */
  async pods(): Promise<V1Pod[]> {
    const selector = encodeURIComponent(`chordring.dev/ring=${this.name}`);
    const path = `/api/v1/namespaces/${this.namespace}/pods?labelSelector=${selector}`;
    const { items } = await apiGet<V1PodList>(path);
    return items.toSorted((a, b) => ordinalOf(a) - ordinalOf(b));
  }

  /** The pods that run and can be asked. */
  async nodes(): Promise<RingNode[]> {
    const running = (await this.pods()).filter(
      ({ metadata, status }) =>
        status?.phase === "Running" && status.podIP && metadata?.deletionTimestamp === undefined,
    );
    return Promise.all(running.map((pod) => this.#node(pod)));
  }

  async node(ordinal: number): Promise<RingNode> {
    const pod = (await this.pods()).find((one) => ordinalOf(one) === ordinal);
    if (pod?.status?.podIP === undefined) throw new Error(`${this.name}-${ordinal} does not run`);
    return this.#node(pod);
  }

  async #node(pod: V1Pod): Promise<RingNode> {
    const name = nameOf(pod);
    const ip = pod.status?.podIP ?? "";
    const endpoint = await reach({ namespace: this.namespace, name, ip }, API_PORT);
    return { name, uid: pod.metadata?.uid ?? "", ip, endpoint };
  }

  /** The URL of a node's HTTP interface, for a browser: `${baseUrl}/ui` is the page. */
  async baseUrl(ordinal = 0): Promise<string> {
    const { host, port } = (await this.node(ordinal)).endpoint;
    return `http://${host}:${port}`;
  }

  model(count: number): IdealRing {
    return new IdealRing(this.podNames(count), this.successors);
  }

  async views(): Promise<View[]> {
    const nodes = await this.nodes();
    return Promise.all(nodes.map((node) => getJson<View>(node.endpoint, "/v1/ring", 3_000)));
  }

  /**
   * Waits until exactly the first `count` pods exist, all are ready, and their views together are
   * the ideal ring; answers how long that took.
   */
  async ideal(count: number, withinMs: number): Promise<number> {
    const startMs = Date.now();
    const model = this.model(count);
    await eventually(`ring ${this.name} of ${count} is ideal`, withinMs, async () => {
      const pods = await this.pods();
      assert.deepEqual(pods.map(describePod), this.podNames(count).map(readyLine));
      assert.deepEqual(model.problems(await this.views()), []);
    });
    return Date.now() - startMs;
  }

  /** Waits until exactly `count` pods exist and run, in the ring or not. */
  async running(count: number, withinMs: number): Promise<void> {
    await eventually(`${count} pods of ring ${this.name} run`, withinMs, async () => {
      const pods = await this.pods();
      const running = pods.filter((pod) => pod.status?.phase === "Running").map(nameOf);
      assert.deepEqual(running, this.podNames(count), pods.map(describePod).join("; "));
      assert.equal(pods.length, count, pods.map(describePod).join("; "));
    });
  }

  /** Waits until the pods of these names are other ones than before, and all `count` run. */
  async replaced(
    names: readonly string[],
    before: ReadonlyMap<string, string>,
    { count, withinMs }: { readonly count: number; readonly withinMs: number },
  ): Promise<void> {
    await eventually(`${names.length} pods are replaced`, withinMs, async () => {
      const now = await this.podIdentities();
      for (const name of names) {
        assert.ok(now.has(name), `${name} is missing`);
        assert.notEqual(now.get(name), before.get(name), `${name} is still the old pod`);
      }
    });
    await this.running(count, withinMs);
  }

  /**
   * Waits until every partition has its copies up, complete and where they should be: by what the
   * nodes say, then by what the operator says, which may be late to see that something is amiss.
   */
  async placed(count: number, copies: number, withinMs: number): Promise<void> {
    await eventually(`ring ${this.name} has ${copies} copies of all data`, withinMs, async () => {
      const data = (await this.views()).map((view) => view.data);
      const seen = data.map(dataText).join("; ");
      assert.equal(data.length, count, seen);
      const sum = (of: (one: DataView) => number): number =>
        data.reduce((total, one) => total + of(one), 0);
      const copiesInAll = PARTITIONS * Math.min(copies, count);
      assert.ok(
        data.every(({ roster }) => roster?.copies === copies),
        seen,
      );
      assert.ok(
        data.every(({ roster }) => roster?.pods.length === count),
        seen,
      );
      assert.equal(
        sum(({ led }) => led),
        PARTITIONS,
        seen,
      );
      assert.equal(
        sum(({ held }) => held),
        copiesInAll,
        seen,
      );
      assert.equal(
        sum(({ degraded, misplaced }) => degraded + misplaced),
        0,
        seen,
      );
    });
    await this.condition("Ready", withinMs);
    await this.condition("DataPlaced", withinMs);
  }

  /** Waits until the operator says of the current spec that the condition holds. */
  async condition(type: string, withinMs: number): Promise<RingObject> {
    return eventually(`ring ${this.name} has condition ${type}`, withinMs, async () => {
      const ring = await this.object();
      const seen = JSON.stringify(ring.status ?? "no status");
      const condition = ring.status?.conditions?.find((one) => one.type === type);
      assert.equal(condition?.status, "True", seen);
      assert.equal(ring.status?.observedGeneration, ring.metadata.generation, seen);
      return ring;
    });
  }

  /** Name, uid and restarts of each pod: equal at two moments when no pod was touched. */
  async podIdentities(): Promise<Map<string, string>> {
    const pods = await this.pods();
    return new Map(
      pods.map((pod) => {
        const restarts = pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
        return [nameOf(pod), `${pod.metadata?.uid} restarted ${restarts} times`];
      }),
    );
  }
}

function dataText({ roster, held, led, degraded, misplaced }: DataView): string {
  const wanted = `${roster?.copies} copies on ${roster?.pods.length} pods wanted`;
  return `${wanted}, held ${held}, led ${led}, degraded ${degraded}, misplaced ${misplaced}`;
}

export function nameOf(pod: V1Pod): string {
  return pod.metadata?.name ?? "";
}

function ordinalOf(pod: V1Pod): number {
  return Number(nameOf(pod).split("-").at(-1));
}

/** `ring-0 Running ready`, or what else there is to say of a pod. */
function describePod({ metadata, status }: V1Pod): string {
  if (metadata?.deletionTimestamp !== undefined) return `${metadata.name} Terminating`;
  const ready = status?.conditions?.find((one) => one.type === "Ready")?.status === "True";
  return `${metadata?.name} ${status?.phase} ${ready ? "ready" : "not ready"}`;
}

function readyLine(name: string): string {
  return `${name} Running ready`;
}

// --- what a client does with a node ------------------------------------------------------------

/** One lookup, asked once. */
export function lookUpOnce(node: RingNode, key: string): Promise<Lookup> {
  return getJson<Lookup>(node.endpoint, `/v1/lookup/${encodeURIComponent(key)}`);
}

/** One lookup by a patient client. */
export async function lookUp(node: RingNode, key: string, query = ""): Promise<Lookup> {
  const path = `/v1/lookup/${encodeURIComponent(key)}${query}`;
  const { status, body } = await patiently(node, { path });
  assert.equal(status, 200, `GET ${path}: ${body.toString()}`);
  return JSON.parse(body.toString()) as Lookup;
}

export interface Value {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** After which the ring deletes it. */
  readonly ttlSeconds?: number;
}

/** Stores a value and answers the reply, which must be a success. */
export async function put(node: RingNode, key: string, value: Value): Promise<Reply> {
  const reply = await patiently(node, {
    method: "PUT",
    path: keyPath(key),
    headers: {
      "content-type": value.contentType,
      "idempotency-key": randomUUID(),
      ...(value.ttlSeconds === undefined ? {} : { "x-chord-ttl": String(value.ttlSeconds) }),
    },
    body: value.bytes,
  });
  assert.ok([200, 201].includes(reply.status), `PUT ${key}: ${reply.status} ${textOf(reply)}`);
  return reply;
}

export function get(node: RingNode, key: string): Promise<Reply> {
  return patiently(node, { path: keyPath(key) });
}

function keyPath(key: string): string {
  return `/v1/kv/${encodeURIComponent(key)}`;
}

function textOf(reply: Reply): string {
  return reply.body.toString().slice(0, 300);
}

/**
 * Comes back after a 503, as its Retry-After asks for, and after a 504, as a write with an id may
 * be repeated: on a machine with too few processors a node may be silent for a moment, and says so
 * rather than to guess. Not for tests of that very moment.
 */
async function patiently(node: RingNode, asked: Exchange): Promise<Reply> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const reply = await exchange(node.endpoint, asked);
    if (![503, 504].includes(reply.status) || Date.now() >= endMs) return reply;
    await pause(Number(reply.headers["retry-after"] ?? 1) * secondMs);
  }
}
