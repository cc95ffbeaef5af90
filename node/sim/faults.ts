/**
 * Everything that can go wrong, as data: a seed draws a list of faults, `Chaos` carries them out.
 * A fault is plain and self-contained, so that a list can be printed, cut down and run again.
 */
import type { NodeRef, RingState } from "../src/chord/index.ts";
import { byId } from "./circle.ts";
import { Hostile } from "./hostile.ts";
import { calmNetwork, type NetworkFaults } from "./network.ts";
import type { SeededRandom } from "./random.ts";
import type { SimulatedNode, World } from "./world.ts";

export interface Fault {
  readonly kind: FaultKind;
  /** When it strikes, after the begin of the phase with faults. */
  readonly atMs: number;
  /** How long it lasts; how long a crashed node stays down. */
  readonly ms: number;
  /** Whom it strikes. */
  readonly nodes: readonly string[];
  /** The other side of a cut; of crashed nodes, those whose disk is lost. */
  readonly others: readonly string[];
  /** A rate, an extra delay in milliseconds, or how many: what the kind says. */
  readonly amount: number;
}

/** Each kind, how often it is drawn in proportion to the others, and what it does. */
export const faultKinds = {
  crash: { rate: 3, what: "some nodes die and return after a while, some with an empty disk" },
  adjacent: { rate: 3, what: "up to r-1 neighbours on the circle die at once and return" },
  blackout: { rate: 1, what: "all nodes die at once and return one by one" },
  rivals: {
    rate: 1,
    what: "two that may found a ring do not meet, the others are slow, promises get lost",
  },
  rolling: { rate: 1, what: "all nodes restart, each when the one before is ready again" },
  pause: { rate: 3, what: "some nodes' event loops stand still, then go on" },
  partition: { rate: 2, what: "two groups of nodes cannot reach each other" },
  cut: { rate: 2, what: "single ways between nodes are cut, each in one direction" },
  suspicion: { rate: 2, what: "a node stops hearing from its neighbour, which lives" },
  loss: { rate: 2, what: "messages are lost at a rate" },
  repeat: { rate: 1, what: "messages arrive twice at a rate" },
  late: { rate: 2, what: "messages take seconds at a rate, and overtake each other" },
  slow: { rate: 2, what: "some nodes' messages all take longer" },
  clock: { rate: 1, what: "a node's clock jumps forward" },
  leave: { rate: 2, what: "a node leaves and comes back" },
  remove: { rate: 1, what: "a node that founded nothing leaves for ever" },
  storm: { rate: 2, what: "as many new nodes as there are start at once" },
  "stale-seeds": { rate: 1, what: "the seed Service and name service offer what was, not what is" },
  fingers: { rate: 1, what: "all fingers point to arbitrary nodes" },
  loopy: { rate: 1, what: "all pointers are set so that the ring goes round the circle twice" },
  hostile: { rate: 1, what: "a host with the ring's token forges messages and replies" },
} as const satisfies Record<string, { readonly rate: number; readonly what: string }>;

export type FaultKind = keyof typeof faultKinds;

export function describeFault(fault: Fault): string {
  const { kind, atMs, ms, nodes, others, amount } = fault;
  const parts = [`${(atMs / 1000).toFixed(3).padStart(8)} s  ${kind}`];
  if (nodes.length > 0) parts.push(nodes.join(","));
  if (others.length > 0) parts.push(`/ ${others.join(",")}`);
  if (ms > 0) parts.push(`for ${Math.round(ms)} ms`);
  if (amount > 0) parts.push(`(${Number(amount.toPrecision(3))})`);
  return parts.join(" ");
}

/** Carries faults out in a world, and ends all of them. */
export class Chaos {
  /** Hosts with the ring's token that mean harm, while they are there. */
  readonly hostile = new Set<Hostile>();
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #removed = new Set<string>();
  readonly #down = new Set<string>();
  readonly #left = new Set<string>();
  #ended = false;

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  apply(fault: Fault): void {
    this.#world.note(`fault ${describeFault(fault).trim()}`);
    this.#strikes[fault.kind](fault);
  }

  /** What each kind of fault does; those that last end by themselves. */
  readonly #strikes: Readonly<Record<FaultKind, (fault: Fault) => void>> = {
    crash: (fault) => this.#crash(fault, 0),
    adjacent: (fault) => this.#crash(fault, 0),
    blackout: (fault) => this.#crash(fault, 4000),
    rivals: (fault) => {
      this.#world.cut(fault.nodes.slice(0, 1), fault.nodes.slice(1), { ms: fault.ms });
      this.#slow(fault, fault.others);
      this.#setRate(fault, { foundingLost: 0.3 });
    },
    rolling: ({ amount }) => this.#roll([...this.#world.running.keys()], amount),
    pause: ({ nodes, ms }) => nodes.forEach((name) => this.#world.pause(name, ms)),
    partition: ({ nodes, others, ms }) => this.#world.cut(nodes, others, { ms }),
    cut: ({ nodes, others, ms }) =>
      nodes.forEach((name, index) =>
        this.#world.cut([name], others.slice(index, index + 1), { ms, oneWay: true }),
      ),
    suspicion: ({ nodes, others, ms }) => this.#world.cut(others, nodes, { ms, oneWay: true }),
    loss: (fault) => this.#setRate(fault, { lost: fault.amount }),
    repeat: (fault) => this.#setRate(fault, { repeated: fault.amount }),
    late: (fault) => this.#setRate(fault, { late: 0.1, tailMs: fault.amount }),
    slow: (fault) => this.#slow(fault, fault.nodes),
    clock: ({ nodes, amount }) =>
      this.#running(nodes).forEach((node) => (node.clockAheadMs += amount)),
    leave: ({ nodes, ms }) => this.#running(nodes).forEach(({ name }) => this.#leave(name, ms)),
    remove: ({ nodes }) => this.#running(nodes).forEach(({ name }) => this.#remove(name)),
    storm: ({ nodes }) => nodes.forEach((name) => this.#restart(name)),
    "stale-seeds": (fault) => this.#freezeSeeds(fault),
    fingers: () => this.shuffleFingers(),
    loopy: () => this.#makeLoopy(),
    hostile: (fault) => this.#unleash(fault),
  };

  /** Ends every fault, and starts every node that should be there. */
  calm(): void {
    const world = this.#world;
    this.#ended = true;
    for (const hostile of this.hostile) hostile.stop();
    this.hostile.clear();
    Object.assign(world.network.faults, calmNetwork);
    world.heal();
    world.staleSeeds = null;
    world.strayAddresses.clear();
    for (const node of world.running.values()) node.slowMs = 0;
    for (const name of this.#down) if (!world.running.has(name)) world.start(name);
    for (const name of this.#left) world.running.get(name)?.chord.rejoin();
    this.#down.clear();
  }

  /** L4 depends on no finger: each one leads to any other node. */
  shuffleFingers(): void {
    const nodes = [...this.#world.running.values()].map((node) => node.chord);
    for (const chord of nodes.filter((node) => node.ring.member)) {
      for (let exponent = 0; exponent < chord.ring.fingers.size; exponent++) {
        const other = this.#random.pick(nodes)?.self;
        if (other !== undefined) chord.ring.setFinger(exponent, other);
      }
    }
  }

  /** Each node is followed by the one after the next: twice round, and all agree. */
  #makeLoopy(): void {
    const world = this.#world;
    const rings = [...world.running.values()].map((node) => node.chord.ring);
    const members = rings.filter((ring) => ring.member && ring.epoch === rings[0]?.epoch);
    if (members.length < 4) return;
    members.sort(byId);
    const order = [0, 1].flatMap((lap) => members.filter((_, index) => index % 2 === lap));
    const at = (index: number): NodeRef =>
      (order[(index + order.length) % order.length] as RingState).self;
    for (const [index, ring] of order.entries()) {
      const behind = Array.from({ length: order.length - 1 }, (_, i) => at(index + 1 + i));
      const reply = { predecessor: null, successors: behind.slice(1) };
      ring.adoptSuccessor(at(index + 1), reply);
      ring.setPredecessor(at(index - 1));
    }
    world.tampered = true;
  }

  #running(names: readonly string[]): SimulatedNode[] {
    return names.flatMap((name) => this.#world.running.get(name) ?? []);
  }

  #setRate(fault: Fault, rates: Partial<NetworkFaults>): void {
    const { faults } = this.#world.network;
    Object.assign(faults, rates);
    this.#later(fault, () => {
      for (const rate of Object.keys(rates)) Object.assign(faults, { [rate]: 0 });
    });
  }

  #slow(fault: Fault, names: readonly string[]): void {
    const struck = this.#running(names);
    for (const node of struck) node.slowMs = fault.amount;
    this.#later(fault, () => {
      for (const node of struck) node.slowMs = 0;
    });
  }

  #freezeSeeds(fault: Fault): void {
    const world = this.#world;
    world.staleSeeds = world.seeds();
    for (const node of world.running.values()) world.strayAddresses.add(node.address);
    this.#later(fault, () => {
      world.staleSeeds = null;
      world.strayAddresses.clear();
    });
  }

  #later(fault: Fault, action: () => void): void {
    this.#world.scheduler.after(fault.ms, action);
  }

  #crash({ nodes, others, ms }: Fault, spreadMs: number): void {
    const silent = this.#random.chance(0.5);
    for (const name of nodes) {
      this.#world.crash(name, { keepDisk: !others.includes(name), silent });
      this.#down.add(name);
      const downMs = ms + spreadMs * this.#random.next();
      this.#world.scheduler.after(downMs, () => this.#restart(name));
    }
  }

  #restart(name: string): void {
    if (this.#ended || this.#removed.has(name)) return;
    this.#down.delete(name);
    if (!this.#world.running.has(name)) this.#world.start(name);
  }

  /** As a StatefulSet does: from the last to the first, each once the one before is ready. */
  #roll(names: readonly string[], downMs: number): void {
    const [name, ...rest] = names.toReversed();
    if (name === undefined || this.#ended) return;
    this.#world.crash(name);
    this.#down.add(name);
    const { scheduler, running } = this.#world;
    let patience = 40;
    const whenReady = (): void => {
      patience -= 1;
      if (running.get(name)?.chord.ready === true || patience === 0) {
        this.#roll(rest.reverse(), downMs);
      } else {
        scheduler.after(250, whenReady);
      }
    };
    scheduler.after(downMs, () => {
      this.#restart(name);
      whenReady();
    });
  }

  #leave(name: string, awayMs: number): void {
    const chord = this.#world.running.get(name)?.chord;
    void chord?.leave();
    this.#left.add(name);
    this.#world.scheduler.after(awayMs, () => {
      if (!this.#removed.has(name)) this.#world.running.get(name)?.chord.rejoin();
    });
  }

  #remove(name: string): void {
    this.#removed.add(name);
    this.#world.names.delete(name);
    this.#left.delete(name);
    this.#down.delete(name);
    void this.#world.running.get(name)?.chord.leave();
    this.#world.scheduler.after(5000, () => this.#world.crash(name, { keepDisk: false }));
  }

  #unleash(fault: Fault): void {
    const hostile = new Hostile(this.#world, this.#random);
    this.hostile.add(hostile);
    hostile.start();
    this.#later(fault, () => {
      hostile.stop();
      this.hostile.delete(hostile);
    });
  }
}
