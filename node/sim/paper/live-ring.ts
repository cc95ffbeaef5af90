/**
 * A ring of whole production nodes in virtual time, with what the experiments do to it: Poisson
 * churn and lookups whose answers are judged by somebody who sees all nodes.
 */
import {
  ChordError,
  type ChordOptions,
  type Id,
  type LookupOptions,
} from "../../src/chord/index.ts";
import { byId, successorIndex } from "../circle.ts";
import { SeededRandom } from "../random.ts";
import { demoNames, sha1, type SimulatedNode, World } from "../world.ts";
import { Histogram } from "./statistics.ts";

export interface LiveRingOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly successors: number;
  readonly stabilizeIntervalMs: number;
  /** Other tunables of every node. */
  readonly options?: Partial<ChordOptions>;
  /** Added to each message that a node sends or gets, drawn for each node. */
  readonly slowMs?: (random: SeededRandom) => number;
}

/**
 * The papers' assumptions as tunables: one timeout proves a death, and a lookup has all the time it
 * needs. Nodes in the ring look for no ring, so that timer may be slow.
 */
export const paperOptions: Partial<ChordOptions> = {
  suspicionProbes: 1,
  suspicionMs: 0,
  lookupDeadlineMs: 60_000,
  bootstrapIntervalMs: 5000,
};

/** What became of lookups. */
export class LookupLog {
  /** Nodes on the path, the owner counted: forwards + 1. */
  readonly path = new Histogram();
  readonly timeouts = new Histogram();
  readonly durationsMs: number[] = [];
  /** Lookups that named nobody. */
  failed = 0;
  /** Named another node than the key's successor among all living members. */
  wrong = 0;
  /** The same, but not because of a newcomer whom its predecessor has not noticed yet. */
  wrongSettled = 0;

  get count(): number {
    return this.path.count + this.failed;
  }
}

export class LiveRing {
  readonly world: World;
  readonly random: SeededRandom;
  readonly #options: LiveRingOptions;
  #names: number;
  #circle: readonly SimulatedNode[] | null = null;

  constructor(options: LiveRingOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    const { seed, successors, stabilizeIntervalMs, nodes } = options;
    this.world = new World({
      seed,
      successors,
      stabilizeIntervalMs,
      founders: demoNames(1),
      recording: false,
      options: options.options ?? {},
    });
    this.world.startIdeal(demoNames(nodes));
    this.#names = nodes;
    for (const node of this.world.running.values()) this.#place(node);
  }

  get nodes(): SimulatedNode[] {
    return [...this.world.running.values()];
  }

  async run(ms: number): Promise<void> {
    await this.world.scheduler.run(ms);
  }

  /** A new node starts and joins by itself. */
  join(): SimulatedNode {
    const name = `demo-${this.#names}`;
    this.#names += 1;
    this.world.start(name);
    this.#circle = null;
    const node = this.world.running.get(name);
    if (node === undefined) throw new Error(`${name} did not start`);
    this.#place(node);
    return node;
  }

  #place(node: SimulatedNode): void {
    node.slowMs = this.#options.slowMs?.(this.random) ?? 0;
  }

  /** A node dies at once, and its address answers nothing any more. */
  crash(node: SimulatedNode | undefined = this.random.pick(this.world.ready())): void {
    if (node === undefined) return;
    this.world.crash(node.name, { silent: true });
    this.#circle = null;
  }

  /** Does something at random times, so often on average, until the result is called. */
  poisson(ratePerSecond: number, act: () => void): () => void {
    let cancel = (): void => {};
    const next = (): void => {
      const waitMs = (-Math.log(1 - this.random.next()) / ratePerSecond) * 1000;
      cancel = this.world.scheduler.after(waitMs, () => {
        act();
        next();
      });
    };
    if (ratePerSecond > 0) next();
    return () => cancel();
  }

  /** A lookup of a random key by a random node, judged when it ends. */
  lookup(log: LookupLog, options: LookupOptions = {}): void {
    const node = this.random.pick(this.world.ready());
    if (node === undefined) return;
    const id = sha1(`key ${this.random.next()}`);
    void this.judge(log, { node, id, options });
  }

  async judge(
    log: LookupLog,
    asked: { readonly node: SimulatedNode; readonly id: Id; readonly options?: LookupOptions },
  ): Promise<void> {
    const { node, id, options = {} } = asked;
    const startMs = this.world.scheduler.now();
    const before = this.#owners(id);
    try {
      const found = await node.chord.find(id, options);
      const after = this.#owners(id);
      log.path.add(found.hops + 1);
      log.timeouts.add(found.timeouts);
      log.durationsMs.push(this.world.scheduler.now() - startMs);
      const { name } = found.owner;
      if (name !== before.member && name !== after.member) {
        log.wrong += 1;
        if (name !== before.settled && name !== after.settled) log.wrongSettled += 1;
      }
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      log.failed += 1;
    }
  }

  /** The successor of an identifier among all living members, and among those noticed already. */
  #owners(id: Id): { member: string; settled: string } {
    return {
      member: this.#ownerAmong(id, ({ chord }) => chord.ring.member),
      settled: this.#ownerAmong(id, ({ chord }) => chord.ready),
    };
  }

  #ownerAmong(id: Id, counts: (node: SimulatedNode) => boolean): string {
    const circle = this.#sorted();
    const first = successorIndex(circle, id);
    for (let step = 0; step < circle.length; step++) {
      const node = circle[(first + step) % circle.length];
      if (node !== undefined && counts(node)) return node.name;
    }
    return "";
  }

  /** Whether every running node knows its first successor and its predecessor. */
  neighboursRight(): boolean {
    const circle = this.#sorted();
    return circle.every(({ chord }, index) => {
      const behind = circle[(index + 1) % circle.length]?.chord;
      return (
        chord.successors[0]?.id === behind?.self.id && behind?.predecessor?.id === chord.self.id
      );
    });
  }

  /** All running nodes by identifier, kept until one starts or ends. */
  #sorted(): readonly SimulatedNode[] {
    this.#circle ??= this.nodes.sort(byId);
    return this.#circle;
  }
}
