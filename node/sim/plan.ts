/**
 * What a seed stands for: how large the ring is, and which faults strike it when. The plan is drawn
 * whole before the run, so that taking one fault out leaves all others as they are.
 */
import { type Fault, type FaultKind, faultKinds } from "./faults.ts";
import { SeededRandom } from "./random.ts";
import { demoNames, sha1 } from "./world.ts";

export interface Plan {
  readonly seed: number;
  /** Nodes at the start. */
  readonly size: number;
  /** Successor-list length r. */
  readonly successors: number;
  readonly founders: readonly string[];
  /** Whether the faults begin while the ring still forms. */
  readonly early: boolean;
  /** Length of the phase with faults. */
  readonly chaosMs: number;
  readonly faults: readonly Fault[];
  /** To how many nodes the healed ring shrinks at the end, one at a time; null if it does not. */
  readonly shrinkTo: number | null;
}

/** The seeds that `make test` always runs are 1 to this one; each mutant must die within them. */
export const fixedSeedCount = 1500;

const shrinkRate = 0.2;
/** At most as many nodes are left, so that rings of one and two are seen often. */
const shrinkToMax = 3;

/** How often each kind is drawn, in proportion: 0 switches it off. */
export type FaultRates = Readonly<Record<FaultKind, number>>;

export const defaultRates = Object.fromEntries(
  Object.entries(faultKinds).map(([kind, { rate }]) => [kind, rate]),
) as FaultRates;

/** Kinds of lives: how often each, how many faults it has, and which ones if not all. */
const profiles = {
  mixed: { rate: 5, faultCountMax: 8, only: null },
  /** Here Zave's assumption mostly holds from begin to end. */
  gentle: { rate: 3, faultCountMax: 2, only: null },
  /** Nodes that found rings do not all meet, promise late and die meanwhile. */
  founding: {
    rate: 2,
    faultCountMax: 10,
    only: ["blackout", "partition", "slow", "cut", "late", "loss", "pause", "crash"],
  },
  /** Two believe that it is theirs to found the ring, at the same time. */
  rivals: { rate: 1, faultCountMax: 1, only: ["rivals"] },
} as const;

export function planOf(seed: number, rates: FaultRates = defaultRates): Plan {
  const random = new SeededRandom(seed, 1);
  const profile = profileOf(random);
  const founding = profile === "founding" || profile === "rivals";
  const size = random.integer(1, random.chance(0.25) ? 16 : 9);
  const successors = random.integer(1, 5);
  const founders = demoNames(Math.min(size, successors + 1));
  const chaosMs = random.integer(5, 40) * 1000;
  const early = random.chance(founding ? 0.7 : 0.2);
  const draw = new Draw(random, { size, successors, founders, chaosMs });
  const chosen = restrict(rates, profiles[profile].only);
  const count = random.integer(1, profiles[profile].faultCountMax);
  const faults = Array.from({ length: count }, () => draw.faults(draw.kind(chosen))).flat();
  faults.sort((a, b) => a.atMs - b.atMs);
  const shrinkTo = random.chance(shrinkRate)
    ? random.integer(1, Math.min(shrinkToMax, size))
    : null;
  const shape = { seed, size, successors, founders, early, chaosMs };
  return { ...shape, faults: promised(faults, size), shrinkTo };
}

/**
 * Leaves out what no ring survives by its own promise: one that was in a ring with a liar and then
 * lost all its nodes waits for the liar's names, since unknown is not gone (docs/protocol.md).
 */
function promised(faults: readonly Fault[], size: number): Fault[] {
  const honest = size < 3 || faults.every(({ kind }) => kind !== "hostile");
  const left = honest ? ["hostile"] : ["blackout", "rolling"];
  return faults.filter(({ kind }) => !left.includes(kind));
}

function profileOf(random: SeededRandom): keyof typeof profiles {
  const names = Object.keys(profiles) as (keyof typeof profiles)[];
  return (
    random.pick(names.flatMap((name) => Array.from({ length: profiles[name].rate }, () => name))) ??
    "mixed"
  );
}

/** The same rates without the kinds that this sort of life leaves out. */
function restrict(rates: FaultRates, only: readonly FaultKind[] | null): FaultRates {
  const kept = Object.entries(rates).filter(
    ([kind]) => only === null || only.includes(kind as FaultKind),
  );
  return kept.some(([, rate]) => rate > 0) ? (Object.fromEntries(kept) as FaultRates) : rates;
}

class Draw {
  readonly #random: SeededRandom;
  readonly #shape: Pick<Plan, "size" | "successors" | "founders" | "chaosMs">;
  readonly #names: string[];
  #stormed = false;
  #removed = false;

  constructor(
    random: SeededRandom,
    shape: Pick<Plan, "size" | "successors" | "founders" | "chaosMs">,
  ) {
    this.#random = random;
    this.#shape = shape;
    this.#names = demoNames(shape.size);
  }

  kind(rates: FaultRates): FaultKind {
    const kinds = Object.entries(rates) as [FaultKind, number][];
    const sum = kinds.reduce((total, [, rate]) => total + rate, 0);
    let rest = this.#random.next() * sum;
    for (const [kind, rate] of kinds) {
      rest -= rate;
      if (rest < 0) return kind;
    }
    return "crash";
  }

  /** A blackout often finds the network in pieces too: nodes that found a ring do not all meet. */
  faults(kind: FaultKind): Fault[] {
    const fault = this.#fault(kind);
    if (kind !== "blackout" || this.#random.chance(0.5)) return [fault];
    return [fault, { ...this.#fault("cut"), atMs: fault.atMs + 1 }];
  }

  #fault(kind: FaultKind): Fault {
    const atMs = Math.round(this.#random.next() * this.#shape.chaosMs * 0.9);
    const ms = Math.round(500 + this.#random.next() * 9500);
    const one = this.#random.pick(this.#names) ?? "";
    const drawn = this.#draws[kind](one, ms);
    return { kind, atMs, ms, nodes: [], others: [], amount: 0, ...drawn };
  }

  /** What each kind needs beyond a time and a length, given one node drawn by chance. */
  readonly #draws: Readonly<Record<FaultKind, (one: string, ms: number) => Partial<Fault>>> = {
    crash: () => this.#victims(this.#some(), 0.2),
    adjacent: (one) => this.#victims(this.#neighbours(one), 0.1),
    blackout: () => this.#victims(this.#names, 0.1),
    rivals: () => this.#rivals(),
    rolling: () => ({ ms: 0, amount: this.#upTo(2000) }),
    pause: () => ({ nodes: this.#some() }),
    partition: (_, ms) => ({ ms: 3 * ms, ...this.#sides() }),
    cut: (_, ms) => ({ ms: 3 * ms, ...this.#ways() }),
    suspicion: (one) => ({ nodes: [one], others: this.#neighbours(one).slice(0, 1) }),
    loss: (_, ms) => ({ ms: 2 * ms, amount: 0.2 * this.#random.next() }),
    repeat: (_, ms) => ({ ms: 2 * ms, amount: 0.3 * this.#random.next() }),
    late: (_, ms) => ({ ms: 2 * ms, amount: this.#upTo(4000) }),
    slow: (_, ms) => ({ nodes: this.#some(), ms: 2 * ms, amount: this.#upTo(300) }),
    clock: (one) => ({ nodes: [one], ms: 0, amount: this.#upTo(20_000) }),
    leave: (one) => ({ nodes: [one] }),
    remove: (one) => ({ nodes: this.#removable(one), ms: 0 }),
    storm: () => ({ nodes: this.#newcomers(), ms: 0 }),
    "stale-seeds": () => ({}),
    fingers: () => ({ ms: 0 }),
    loopy: () => ({ ms: 0 }),
    hostile: () => ({}),
  };

  #upTo(max: number): number {
    return Math.round(max * this.#random.next());
  }

  #some(): string[] {
    const half = Math.max(1, Math.floor(this.#names.length / 2));
    return this.#random.shuffle(this.#names).slice(0, this.#random.integer(1, half));
  }

  #victims(nodes: readonly string[], lostDiskRate: number): Partial<Fault> {
    const lost = this.#random.chance(lostDiskRate);
    return { nodes, others: lost ? nodes.filter(() => this.#random.chance(0.5)) : [] };
  }

  /** Up to r-1 nodes behind one on the circle. */
  #neighbours(name: string): string[] {
    const circle = [...this.#names].sort((a, b) => (sha1(a) < sha1(b) ? -1 : 1));
    const from = circle.indexOf(name) + 1;
    const count = this.#random.integer(1, Math.max(1, this.#shape.successors - 1));
    return [...circle.slice(from), ...circle.slice(0, from)].slice(0, count);
  }

  /** Two groups; often just two nodes that do not meet while everybody else meets both. */
  #sides(): Partial<Fault> {
    if (this.#random.chance(0.4)) {
      const [one = "", other = one] = this.#random.shuffle(this.#names);
      return { nodes: [one], others: [other] };
    }
    const nodes = this.#some();
    return { nodes, others: this.#names.filter((name) => !nodes.includes(name)) };
  }

  /** Single ways, so that A may reach B and B reach C while A does not reach C. */
  #ways(): Partial<Fault> {
    const count = this.#random.integer(1, 2 * this.#names.length);
    const draw = (): string[] =>
      Array.from({ length: count }, () => this.#random.pick(this.#names) ?? "");
    return { nodes: draw(), others: draw() };
  }

  /** The two lowest names, each of which believes to be the lowest; longer than their patience. */
  #rivals(): Partial<Fault> {
    const [one = "", other = one, ...others] = this.#names;
    return { atMs: 1000, ms: 25_000, nodes: [one, other], others, amount: 30 + this.#upTo(170) };
  }

  /** At most one node goes for ever, and never one that a new ring would have to wait for. */
  #removable(name: string): string[] {
    const allowed = !this.#removed && this.#shape.size >= 4 && !this.#shape.founders.includes(name);
    if (!allowed) return [];
    this.#removed = true;
    return [name];
  }

  /** The ring doubles, once. */
  #newcomers(): string[] {
    if (this.#stormed) return [];
    this.#stormed = true;
    return demoNames(Math.min(8, this.#shape.size), this.#shape.size);
  }
}
