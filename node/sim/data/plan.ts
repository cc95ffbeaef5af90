/**
 * What a seed stands for: how many nodes and copies, and which faults strike when. The plan is
 * drawn whole before the run, so that taking one fault out leaves all others as they are.
 */
import { SeededRandom } from "../random.ts";
import { demoNames } from "../world.ts";
import { type Fault, type FaultKind, faultKinds } from "./faults.ts";

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  /** Nodes at the start; the first ones found the ring. */
  readonly size: number;
  readonly founders: readonly string[];
  readonly partitions: number;
  readonly copies: number;
  readonly keys: readonly string[];
  readonly clients: number;
  /** A client waits up to this between two calls. */
  readonly thinkMs: number;
  /** A node has so long for a client's call; the client waits a little longer. */
  readonly timeoutMs: number;
  /** How many of the values that are put have a time to live; in most lives none. */
  readonly ttlRate: number;
  /** How long deletes leave a trace. */
  readonly forgetAfterMs: number;
  /** How often a fence is raised or asked for beside a call of a client; in most lives never. */
  readonly fenceRate: number;
  /** Whether a crash may leave a part of a group of changes on a disk. */
  readonly torn: boolean;
  /** Entries and bytes in a message. */
  readonly pageEntries: number;
  readonly pageBytes: number;
  /** Whether the faults begin while the ring still begins. */
  readonly early: boolean;
  /** Length of the phase with faults. */
  readonly chaosMs: number;
  readonly faults: readonly Fault[];
}

/** The seeds that `make test` always runs are 1 to this one; each mutant must die within them. */
export const fixedSeedCount = 1500;

/** As many names as pods are ever wanted. */
const podCountMax = 7;

/** How often each kind is drawn, in proportion: 0 switches it off. */
export type FaultRates = Readonly<Record<FaultKind, number>>;

export const defaultRates = Object.fromEntries(
  Object.entries(faultKinds).map(([kind, { rate }]) => [kind, rate]),
) as FaultRates;

interface ProfileShape {
  readonly rate: number;
  readonly faultCountMax: number;
  /** Which kinds if not all. */
  readonly only: readonly FaultKind[] | null;
  readonly partitionsMax: number;
  readonly keysMax: number;
  readonly clientsMin: number;
  readonly thinkMs: number;
  readonly chaosSecondsMax: number;
}

const usual = { partitionsMax: 4, keysMax: 4, clientsMin: 2, thinkMs: 300, chaosSecondsMax: 14 };

/** Kinds of lives. */
const profiles = {
  mixed: { ...usual, rate: 6, faultCountMax: 7, only: null },
  /** Leaders come and go, and what they began is left to others. */
  leaders: {
    ...usual,
    rate: 3,
    faultCountMax: 8,
    only: [
      "leader-crash",
      "leader-stop",
      "leader-pause",
      "leader-cut",
      "late",
      "loss",
      "slow-disk",
      "full",
    ],
  },
  /** All clients want one key, so that writes rest on writes that are under way. */
  hot: {
    rate: 2,
    faultCountMax: 6,
    only: [
      "leader-crash",
      "leader-stop",
      "leader-pause",
      "leader-cut",
      "partition",
      "late",
      "loss",
      "slow-disk",
    ],
    partitionsMax: 1,
    keysMax: 1,
    clientsMin: 5,
    thinkMs: 50,
    chaosSecondsMax: 7,
  },
  /** Views change again and again while members die. */
  moving: {
    ...usual,
    rate: 4,
    faultCountMax: 8,
    only: [
      "roster",
      "lose",
      "lose-moving",
      "crash",
      "pause",
      "late",
      "loss",
      "leader-crash",
      "mover",
      "partition",
    ],
  },
  /** Views are replaced, and whoever does it does not come to its end. */
  replacing: {
    ...usual,
    rate: 3,
    faultCountMax: 7,
    only: ["roster", "mover", "leader-cut", "leader-pause", "cut", "strangers"],
    chaosSecondsMax: 10,
  },
  /** Founders do not all meet, and die meanwhile. */
  founding: {
    ...usual,
    rate: 2,
    faultCountMax: 6,
    only: [
      "blackout",
      "partition",
      "cut",
      "late",
      "loss",
      "crash",
      "lose",
      "pause",
      "slow",
      "full",
      "slow-disk",
    ],
  },
  /** A partition loses most of its disks, while nobody else dies or is cut off. */
  ruined: {
    ...usual,
    rate: 1,
    faultCountMax: 4,
    only: ["late", "slow", "repeat", "slow-disk"],
  },
} as const satisfies Record<string, ProfileShape>;

export type Profile = keyof typeof profiles;

export function planOf(seed: number, rates: FaultRates = defaultRates): Plan {
  const random = new SeededRandom(seed, 1);
  const profile = profileOf(random);
  const { partitionsMax, keysMax, clientsMin, thinkMs, chaosSecondsMax } = profiles[profile];
  const founding = profile === "founding";
  const size = profile === "ruined" ? random.integer(3, 5) : sizeOf(random);
  const names = demoNames(size);
  const partitions = random.integer(1, partitionsMax);
  const copies = random.pick([3, 3, 3, 5, 1]) ?? 3;
  const chaosMs = random.integer(4, chaosSecondsMax) * 1_000;
  const keyCount = random.integer(1, keysMax);
  const draw = new Draw(random, { size, partitions, chaosMs, founding });
  return {
    seed,
    profile,
    size,
    founders: founding || random.chance(0.8) ? names : names.slice(0, random.integer(1, size)),
    partitions,
    copies,
    keys: Array.from({ length: keyCount }, (_, index) => `key-${index}`),
    clients: random.integer(clientsMin, 5),
    thinkMs,
    // Chance of its own: lives in which nothing expires are as they were before there was this.
    ttlRate: new SeededRandom(seed, 4).chance(0.5) ? 0.5 : 0,
    forgetAfterMs: forgetAfter(new SeededRandom(seed, 7)),
    fenceRate: new SeededRandom(seed, 6).chance(0.2) ? 0.3 : 0,
    ...limitsOf(random),
    early: founding,
    chaosMs,
    faults: draw.faults(profile, rates),
  };
}

function limitsOf(
  random: SeededRandom,
): Pick<Plan, "timeoutMs" | "torn" | "pageEntries" | "pageBytes"> {
  return {
    timeoutMs: random.pick([2_000, 2_000, 400]) ?? 2_000,
    torn: random.chance(0.2),
    pageEntries: random.pick([1, 2, 1_000]) ?? 1_000,
    pageBytes: random.chance(0.3) ? 8 : 1024 * 1024,
  };
}

/** In some lives as long as calls are repeated, in others longer than they last. */
function forgetAfter(random: SeededRandom): number {
  return random.chance(0.5) ? random.integer(2_500, 4_000) : 600_000;
}

/** Mostly three to five. */
function sizeOf(random: SeededRandom): number {
  return random.pick([1, 2, 3, 3, 3, 3, 4, 4, 5, 5, 7]) ?? 3;
}

function profileOf(random: SeededRandom): Profile {
  const names = Object.keys(profiles) as Profile[];
  const drawn = names.flatMap((name) => Array.from({ length: profiles[name].rate }, () => name));
  return random.pick(drawn) ?? "mixed";
}

/** The same rates without the kinds that this sort of life leaves out. */
function restrict(rates: FaultRates, only: readonly FaultKind[] | null): FaultRates {
  const kept = Object.entries(rates).filter(
    ([kind]) => only === null || only.includes(kind as FaultKind),
  );
  return kept.some(([, rate]) => rate > 0) ? (Object.fromEntries(kept) as FaultRates) : rates;
}

interface Shape extends Pick<Plan, "size" | "partitions" | "chaosMs"> {
  readonly founding: boolean;
}

class Draw {
  readonly #random: SeededRandom;
  readonly #shape: Shape;
  readonly #names: readonly string[];

  constructor(random: SeededRandom, shape: Shape) {
    this.#random = random;
    this.#shape = shape;
    this.#names = demoNames(shape.size);
  }

  /** A life's faults in the order in which they strike. */
  faults(profile: Profile, rates: FaultRates): Fault[] {
    const { faultCountMax, only } = profiles[profile] as ProfileShape;
    const chosen = restrict(rates, only);
    const count = this.#random.integer(1, faultCountMax);
    const faults = Array.from({ length: count }, () => this.#fault(this.#kind(chosen)));
    if (profile === "ruined") faults.push(this.#fault("ruin"));
    if (profile === "founding" && this.#random.chance(0.7)) {
      faults.push({ ...this.#fault("founder-cut"), atMs: 0 });
    }
    return faults.sort((a, b) => a.atMs - b.atMs);
  }

  #kind(rates: FaultRates): FaultKind {
    const kinds = Object.entries(rates) as [FaultKind, number][];
    const sum = kinds.reduce((total, [, rate]) => total + rate, 0);
    let rest = this.#random.next() * sum;
    for (const [kind, rate] of kinds) {
      rest -= rate;
      if (rest < 0) return kind;
    }
    return "crash";
  }

  #fault(kind: FaultKind): Fault {
    const { chaosMs, founding } = this.#shape;
    // A founding is over in a moment.
    const part = founding ? this.#random.next() ** 3 : this.#random.next();
    const atMs = Math.round(part * chaosMs * 0.9);
    const ms = Math.round(100 + this.#random.next() ** 2 * 5_900);
    const one = this.#random.pick(this.#names) ?? "";
    const drawn = this.#draws[kind](one, ms);
    return { kind, atMs, ms, nodes: [], others: [], amount: 0, ...drawn };
  }

  /** What each kind needs beyond a time and a length, given one node drawn by chance. */
  readonly #draws: Readonly<Record<FaultKind, (one: string, ms: number) => Partial<Fault>>> = {
    crash: () => ({ nodes: this.#some() }),
    stop: (one) => ({ nodes: [one] }),
    blackout: () => ({}),
    rolling: () => ({ ms: 0, amount: this.#upTo(1_000) }),
    lose: (one) => ({ nodes: [one] }),
    "lose-moving": (_, ms) => ({ ms: Math.round(ms / 20), amount: this.#upTo(30) }),
    "founder-cut": (_, ms) => ({ ms: 2_000 + 2 * ms }),
    ruin: () => this.#partition(),
    pause: () => ({ nodes: this.#some() }),
    "leader-crash": () => this.#partition(),
    "leader-stop": () => this.#partition(),
    "leader-pause": () => this.#partition(),
    "leader-cut": () => ({
      ...this.#partition(),
      others: this.#random.chance(0.5) ? ["one-way"] : [],
    }),
    mover: () => ({
      amount: this.#upTo(5),
      others: [
        this.#random.pick(["crash", "pause", "cut"]) ?? "",
        ...(this.#random.chance(0.4) ? ["back"] : []),
        ...(this.#random.chance(0.5) ? ["one-hears"] : []),
      ],
    }),
    partition: () => this.#sides(),
    cut: () => this.#ways(),
    loss: (_, ms) => ({ ms: 2 * ms, amount: 0.3 * this.#random.next() }),
    repeat: (_, ms) => ({ ms: 2 * ms, amount: 0.5 * this.#random.next() }),
    late: (_, ms) => ({ ms: 2 * ms, amount: this.#upTo(4_000) }),
    slow: () => ({ nodes: this.#some(), amount: this.#upTo(300) }),
    clock: (one) => ({ nodes: [one], ms: 0, amount: this.#upTo(10_000) }),
    full: () => ({ nodes: this.#some() }),
    "slow-disk": () => ({ nodes: this.#some(), amount: this.#upTo(1_500) }),
    damage: (one) => ({
      nodes: [one],
      others: [this.#random.chance(0.5) ? "record" : "value"],
      amount: this.#random.integer(0, 3),
    }),
    roster: () => this.#roster(),
    strangers: () => ({}),
  };

  #upTo(max: number): number {
    return Math.round(max * this.#random.next());
  }

  #partition(): Partial<Fault> {
    return { amount: this.#random.integer(0, this.#shape.partitions - 1) };
  }

  #some(): string[] {
    const half = Math.max(1, Math.floor(this.#names.length / 2));
    return this.#random.shuffle(this.#names).slice(0, this.#random.integer(1, half));
  }

  /** Two groups; often just two nodes that do not meet while everybody else meets both. */
  #sides(): Partial<Fault> {
    if (this.#random.chance(0.3)) {
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

  /** A ring grows and shrinks at its end; sometimes a pod in the middle is not wanted. */
  #roster(): Partial<Fault> {
    const { size } = this.#shape;
    const wanted = Math.max(1, Math.min(podCountMax, size + this.#random.integer(-2, 2)));
    const pods = demoNames(wanted);
    const spared = wanted > 1 && this.#random.chance(0.2) ? this.#random.pick(pods) : null;
    return {
      ms: 0,
      nodes: pods.filter((name) => name !== spared),
      amount: this.#random.pick([3, 3, 3, 1, 5, 2]) ?? 3,
    };
  }
}
