/**
 * What is compared: each system with its servers, and to which of them the clients go. All data
 * lies on the same disk, and every system answers a put after its fsync.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { freePorts, LocalRing } from "../../hack/lib/local-ring.ts";
import { waitFor } from "../../hack/lib/wait-for.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { RequestForm, Target } from "./load-job.ts";
import { plainRequest, valueOf } from "./request-bytes.ts";
import { shares } from "./shares.ts";

const KEYS = 10_000;
export const allKeys: readonly number[] = Array.from({ length: KEYS }, (_, key) => key);

const AT_ONCE = 64;
const STORED_MS_MAX = 10_000;
const CONVERGED_MS_MAX = 120_000;
/** The product's default; maintenance is part of what a ring costs. */
const STABILIZE_INTERVAL_MS = 1_000;
const SAMPLE_KEYS = 200;

export interface System {
  readonly name: string;
  readonly form: RequestForm;
  readonly processIds: () => readonly number[];
  /** Asked before each turn, as leaders may move. */
  readonly targets: (connections: number) => Promise<readonly Target[]>;
}

/** The floor: one process, one copy. */
export async function startFloor(
  directory: string,
): Promise<{ readonly system: System; readonly stop: () => void }> {
  const [port = 0] = await freePorts([0]);
  const main = join(import.meta.dirname, "floor-server.ts");
  const child = spawn(process.execPath, [main, directory, String(port)], { stdio: "inherit" });
  const answers = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/kv/none`);
    return response.status === 404;
  };
  await waitFor("the floor server", answers, { timeoutMs: 10_000, intervalMs: 50 });
  const system: System = {
    name: "floor",
    form: "chord",
    processIds: () => [child.pid ?? 0],
    targets: async (connections) => [{ port, connections, keys: allKeys }],
  };
  await fill(system.form, port);
  return { system, stop: () => child.kill() };
}

/** etcd as clients meet it, spread over the members, and as it would be if all knew its leader. */
export async function etcdSystems(members: EtcdMembers): Promise<readonly System[]> {
  const [first = 0] = members.ports;
  await fill("etcd", first);
  const common = { form: "etcd", processIds: () => members.processIds } as const;
  const spread = async (connections: number): Promise<Target[]> => {
    const each = shares(
      connections,
      members.ports.map(() => 1),
    );
    return members.ports.map((port, index) => {
      return { port, connections: each[index] ?? 0, keys: allKeys };
    });
  };
  const leader = async (connections: number): Promise<Target[]> => [
    { port: await members.leaderPort(), connections, keys: allKeys },
  ];
  return [
    { ...common, name: "etcd", targets: spread },
    { ...common, name: "etcd, its leader", targets: leader },
  ];
}

export interface RingOptions {
  readonly nodes: number;
  /** Another program to run as a node; undefined: this checkout's. */
  readonly main: string | undefined;
  /** Words between the Node program and its script. */
  readonly words?: readonly string[];
  readonly successors?: number;
  readonly stabilizeIntervalMs?: number;
}

export async function startRing(options: RingOptions): Promise<LocalRing> {
  const { nodes, main, words = [], successors } = options;
  // What is started is the wrapper; the usual program follows as words that no node reads.
  const own = join(import.meta.dirname, "..", "src", "main.ts");
  const wrapped = main !== undefined || words.length > 0;
  const wrapper = wrapped ? [process.execPath, ...words, main ?? own] : [];
  const ring = await LocalRing.start({
    nodes,
    wrapper,
    stabilizeIntervalMs: options.stabilizeIntervalMs ?? STABILIZE_INTERVAL_MS,
    ...(successors === undefined ? {} : { successors }),
  });
  try {
    await ring.converged(nodes, CONVERGED_MS_MAX);
    return ring;
  } catch (error) {
    const end = ring.node(0).log().slice(-2_000);
    await ring.stop();
    throw new Error(`the ring did not come to be; a node's log ends with\n${end}`, {
      cause: error,
    });
  }
}

/** A ring asked at the node that answers for the key, and at one that has to ask another. */
export async function ringSystems(ring: LocalRing): Promise<readonly System[]> {
  const owners = await Owners.learn(ring);
  const common = {
    form: "chord",
    processIds: (): number[] => ring.nodes.map(({ processId }) => processId),
  } as const;
  const targetsBy =
    (wanted: (owner: string, name: string) => boolean) =>
    async (connections: number): Promise<Target[]> => {
      await owners.refresh();
      const keys = ring.nodes.map(({ name }) =>
        allKeys.filter((key) => wanted(owners.of(key), name)),
      );
      const clients = shares(
        connections,
        keys.map(({ length }) => length),
      );
      return ring.nodes.map(({ apiPort, name }, index) => {
        const own = { connections: clients[index] ?? 0, keys: keys[index] ?? [] };
        return { port: apiPort, node: name, ...own };
      });
    };
  return [
    { ...common, name: "ring, direct", targets: targetsBy((owner, name) => owner === name) },
    { ...common, name: "ring, any node", targets: targetsBy((owner, name) => owner !== name) },
  ];
}

/** Which node answers for each key, as the nodes say with every answer. */
class Owners {
  readonly #port: number;
  #names: readonly string[] = [];

  private constructor(port: number) {
    this.#port = port;
  }

  /** Stores every key once, and keeps who answered. */
  static async learn(ring: LocalRing): Promise<Owners> {
    const owners = new Owners(ring.node(0).apiPort);
    owners.#names = await fill("chord", ring.node(0).apiPort);
    return owners;
  }

  of(key: number): string {
    return this.#names[key] ?? "";
  }

  /** Asks again for all when one of a few has another owner than before. */
  async refresh(): Promise<void> {
    const step = Math.floor(KEYS / SAMPLE_KEYS);
    const some = allKeys.filter((key) => key % step === 0);
    const names = await this.#ask(some);
    if (some.every((key, index) => names[index] === this.of(key))) return;
    this.#names = await this.#ask(allKeys);
  }

  #ask(keys: readonly number[]): Promise<string[]> {
    return mapSome(keys, async (key) => {
      const response = await perform("chord", this.#port, { operation: "get", key });
      await response.arrayBuffer();
      return ownerIn(response);
    });
  }
}

/** Stores every key once, so that each read finds a value; returns who answered, if it was said. */
export async function fill(form: RequestForm, port: number): Promise<string[]> {
  const names = await mapSome(allKeys, (key) =>
    waitFor(`key ${key} can be stored`, () => storeOnce(form, port, key), {
      timeoutMs: STORED_MS_MAX,
      intervalMs: 100,
    }),
  );
  await verify(form, port);
  return names;
}

async function storeOnce(form: RequestForm, port: number, key: number): Promise<string> {
  const response = await perform(form, port, { operation: "put", key });
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}: ${text}`);
  return ownerIn(response);
}

/** What is measured shall be right: a value comes back as it was stored. */
async function verify(form: RequestForm, port: number): Promise<void> {
  const key = KEYS - 1;
  const response = await perform(form, port, { operation: "get", key });
  const text = await response.text();
  const value = form === "etcd" ? etcdValue(text) : text;
  if (value !== valueOf(key)) throw new Error(`key ${key} was read as ${text.slice(0, 200)}`);
}

function etcdValue(text: string): string {
  const { kvs } = JSON.parse(text) as { kvs: readonly { value: string }[] };
  return Buffer.from(kvs[0]?.value ?? "", "base64").toString("latin1");
}

function perform(
  form: RequestForm,
  port: number,
  { operation, key }: { readonly operation: "get" | "put"; readonly key: number },
): Promise<Response> {
  const { method, path, body } = plainRequest(form, operation, key);
  return fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body === "" ? {} : { body }) });
}

function ownerIn(response: Response): string {
  return response.headers.get("x-chord-owner") ?? "";
}

/** As many of them at once as there are clients later. */
async function mapSome<In, Out>(
  items: readonly In[],
  work: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}
