/**
 * Everything that can go wrong, as data: a seed draws a list of faults, `Chaos` carries them out.
 * A fault is plain and self-contained, so that a list can be printed, cut down and run again.
 */
import type { Member, Roster, View } from "../../src/replication/index.ts";
import { proposerOf } from "../../src/replication/ballot.ts";
import type { SeededRandom } from "../random.ts";
import type { Damage, Platter } from "./disk.ts";
import { calmNetwork, type NetworkFaults } from "./network.ts";
import type { Oracles } from "./oracles.ts";
import { missing } from "./rest.ts";
import type { DataNode, World } from "./world.ts";

export interface Fault {
  readonly kind: FaultKind;
  /** When it strikes, after the begin of the phase with faults. */
  readonly atMs: number;
  /** How long it lasts; how long a crashed node stays down. */
  readonly ms: number;
  /** Whom it strikes; the pods of a roster. */
  readonly nodes: readonly string[];
  /** The other side of a cut. */
  readonly others: readonly string[];
  /** A rate, a delay in milliseconds, a partition, or how many: what the kind says. */
  readonly amount: number;
}

/** Each kind, how often it is drawn in proportion to the others, and what it does. */
export const faultKinds = {
  crash: { rate: 3, what: "some nodes die and return with their disks" },
  stop: { rate: 1, what: "a node ends as on SIGTERM and returns" },
  blackout: { rate: 1, what: "all nodes die at once and return one by one" },
  rolling: { rate: 1, what: "all nodes restart, each when the one before is ready again" },
  lose: { rate: 3, what: "a node dies and returns with an empty disk, if the copies allow that" },
  "lose-moving": { rate: 2, what: "so does one just when a view of it was decided" },
  ruin: { rate: 0, what: "most disks of a partition are lost at once" },
  pause: { rate: 3, what: "some nodes' event loops stand still, then go on" },
  "leader-crash": { rate: 2, what: "the node that leads a partition dies and returns" },
  "leader-stop": { rate: 1, what: "the node that leads a partition ends as on SIGTERM, returns" },
  "leader-pause": { rate: 2, what: "the node that leads a partition stands still, then goes on" },
  "leader-cut": { rate: 2, what: "the node that leads a partition reaches no other, clients do" },
  mover: {
    rate: 3,
    what: "who replaces a view dies, stands still or is cut off in the middle, or nobody wants it",
  },
  partition: { rate: 2, what: "two groups of nodes cannot reach each other" },
  cut: { rate: 2, what: "single ways between nodes are cut, each in one direction" },
  "founder-cut": { rate: 0, what: "whoever completes the charter reaches nobody from then on" },
  loss: { rate: 2, what: "messages are lost at a rate" },
  repeat: { rate: 1, what: "messages arrive twice at a rate" },
  late: { rate: 2, what: "messages take seconds at a rate, and overtake each other" },
  slow: { rate: 1, what: "some nodes' messages all take longer" },
  clock: { rate: 1, what: "a node's clock jumps forward" },
  full: { rate: 1, what: "some nodes' disks take no writes" },
  "slow-disk": { rate: 1, what: "some nodes' disks take long for each write" },
  damage: { rate: 1, what: "a record on a disk is not what was written any more" },
  roster: { rate: 4, what: "other pods or another number of copies are wanted" },
  strangers: { rate: 1, what: "nodes hear of some others only" },
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

/** A lost disk may be named in a proposal of somebody who has not heard of it for so long. */
const healingMs = 10_000;
/** How often the operator says what it wants. */
const tellAgainMs = 5_000;
/** How often it looks whether the ring is as it should be. */
const lookMs = 500;

/** Carries faults out in a world, and ends all of them. */
export class Chaos {
  /** What the operator wants, as it said last; null until it says anything. */
  roster: Roster | null = null;
  readonly #world: World;
  readonly #oracles: Oracles;
  readonly #random: SeededRandom;
  readonly #keys: readonly string[];
  /** Names of all nodes that there should be. */
  readonly #names = new Set<string>();
  /** Disks that are gone or of no use, each with the time from which on it is forgotten. */
  readonly #lost = new Map<string, number>();
  /** Names whose disks are damaged. */
  readonly #damaged = new Map<string, Platter>();
  #generation = 0;
  #before: Roster | null = null;
  #ended = false;

  constructor(
    world: World,
    oracles: Oracles,
    { keys, random }: { readonly keys: readonly string[]; readonly random: SeededRandom },
  ) {
    this.#world = world;
    this.#oracles = oracles;
    this.#keys = keys;
    this.#random = random;
  }

  start(name: string): void {
    this.#names.add(name);
    if (!this.#world.running.has(name)) this.#world.start(name);
  }

  /** The operator looks at the ring from now on. */
  watch(): void {
    // Whoever holds the data decides whether there is a ring.
    if (missing(this.#world, this.#oracles, this.roster).length === 0) {
      this.#world.founders = this.roster?.pods.map(({ name }) => name) ?? [...this.#names];
    }
    this.#world.scheduler.after(lookMs, () => this.watch());
  }

  apply(fault: Fault): void {
    this.#world.note(`fault ${describeFault(fault).trim()}`);
    this.#strikes[fault.kind](fault);
  }

  /** What each kind of fault does; those that last end by themselves. */
  readonly #strikes: Readonly<Record<FaultKind, (fault: Fault) => void>> = {
    crash: (fault) => this.#crash(fault.nodes, fault.ms, 0),
    stop: ({ nodes, ms }) => this.#stop(nodes, ms),
    blackout: ({ ms }) => this.#crash([...this.#names], ms, 3_000),
    rolling: ({ amount }) => this.#roll([...this.#names].sort(), amount),
    lose: ({ nodes, ms }) => {
      for (const name of nodes) if (this.#mayLose(name)) this.#lose(name, ms);
    },
    "lose-moving": ({ ms, amount }) => this.#loseMoving(amount, ms),
    ruin: (fault) => this.#ruin(fault),
    pause: ({ nodes, ms }) => nodes.forEach((name) => this.#world.pause(name, ms)),
    "leader-crash": ({ amount, ms }) => this.#crash(this.#leadersOf(amount), ms, 0),
    "leader-stop": ({ amount, ms }) => this.#stop(this.#leadersOf(amount), ms),
    "leader-pause": ({ amount, ms }) =>
      this.#leadersOf(amount).forEach((name) => this.#world.pause(name, ms)),
    "leader-cut": ({ amount, ms, others }) => {
      const oneWay = others.length > 0;
      this.#world.cut(this.#leadersOf(amount), [...this.#names], { ms, oneWay });
    },
    mover: (fault) => this.#strikeMover(fault),
    partition: ({ nodes, others, ms }) => this.#world.cut(nodes, others, { ms }),
    cut: ({ nodes, others, ms }) =>
      nodes.forEach((name, index) =>
        this.#world.cut([name], others.slice(index, index + 1), { ms, oneWay: true }),
      ),
    "founder-cut": ({ ms }) => {
      this.#oracles.onChartered = (name) => this.#world.cut([name], [...this.#names], { ms });
    },
    loss: (fault) => this.#setRate(fault, { lost: fault.amount }),
    repeat: (fault) => this.#setRate(fault, { repeated: fault.amount }),
    late: (fault) => this.#setRate(fault, { late: 0.1, tailMs: fault.amount }),
    slow: (fault) => this.#slow(fault),
    clock: ({ nodes, amount }) =>
      this.#running(nodes).forEach((node) => {
        node.clockAheadMs += amount;
        // People may set the time of day back, too.
        node.wallAheadMs = amount;
      }),
    full: (fault) => this.#setDisks(fault, { full: true }, { full: false }),
    "slow-disk": (fault) => this.#setDisks(fault, { slowMs: fault.amount }, { slowMs: 0 }),
    damage: (fault) => this.#damage(fault),
    roster: (fault) => this.#want(fault),
    strangers: (fault) => {
      this.#world.neighbourRate = 0.3;
      this.#later(fault, () => (this.#world.neighbourRate = 1));
    },
  };

  /** Every node that there should be runs, and is not about to end. */
  get whole(): boolean {
    const { running } = this.#world;
    return [...this.#names].every((name) => running.get(name)?.stopping === false);
  }

  /** Ends every fault, and starts every node that should be there. */
  calm(): void {
    const world = this.#world;
    this.#ended = true;
    this.#oracles.onProposed = () => undefined;
    this.#oracles.onDecided = () => undefined;
    this.#oracles.onChartered = () => undefined;
    Object.assign(world.network.faults, calmNetwork);
    world.heal();
    world.neighbourRate = 1;
    for (const node of world.running.values()) {
      node.slowMs = 0;
      node.wallAheadMs = 0;
      node.resume();
    }
    for (const platter of world.platters.values()) {
      Object.assign(platter.faults, { full: false, slowMs: 0 });
    }
    // A person gives a node with a damaged disk an empty one.
    for (const [name, platter] of this.#damaged) {
      if (world.platters.get(name) === platter) world.crash(name, { loseDisk: true });
    }
    for (const name of this.#names) if (!world.running.has(name)) world.start(name);
    this.#tellAgain();
  }

  /** The operator says it to somebody, who may not be heard of again. */
  #tellRoster(): void {
    const node = this.#random.pick([...this.#world.running.values()]);
    if (this.roster === null || node === undefined) return;
    this.#world.setRoster(node.name, this.roster);
  }

  #tellAgain(): void {
    this.#tellRoster();
    this.#world.scheduler.after(tellAgainMs, () => this.#tellAgain());
  }

  #running(names: readonly string[]): DataNode[] {
    return names.flatMap((name) => this.#world.running.get(name) ?? []);
  }

  #later(fault: Fault, action: () => void): void {
    this.#world.scheduler.after(fault.ms, action);
  }

  // --- processes --------------------------------------------------------------------------------

  #crash(names: readonly string[], ms: number, spreadMs: number): void {
    const silent = this.#random.chance(0.5);
    for (const { name } of this.#running(names)) {
      this.#world.crash(name, { silent });
      this.#restartAfter(name, ms + spreadMs * this.#random.next());
    }
  }

  #stop(names: readonly string[], ms: number): void {
    for (const { name } of this.#running(names)) this.#stopOne(name, ms);
  }

  /** Whoever ends only after all faults are over returns at once. */
  #stopOne(name: string, ms: number): void {
    this.#world.stop(name, () => this.#restartAfter(name, this.#ended ? 0 : ms));
  }

  #restartAfter(name: string, ms: number): void {
    this.#world.scheduler.after(ms, () => {
      if (!this.#world.running.has(name)) this.#world.start(name);
    });
  }

  /** As a StatefulSet does: from the last to the first, each once the one before is ready. */
  #roll(names: readonly string[], downMs: number): void {
    const [name, ...rest] = names.toReversed();
    if (name === undefined || this.#ended) return;
    const { scheduler, running } = this.#world;
    this.#stopOne(name, downMs);
    let patience = 40;
    const whenReady = (): void => {
      patience -= 1;
      if (running.get(name)?.replication.ready === true || patience === 0) {
        this.#roll(rest.reverse(), downMs);
      } else scheduler.after(250, whenReady);
    };
    scheduler.after(downMs + 1_500, whenReady);
  }

  /** Whom the members of a partition follow. */
  #leadersOf(partition: number): string[] {
    const view = this.#oracles.partitions[partition]?.views.last;
    if (view == null) return [];
    let promised = 0;
    for (const member of view.members) {
      const state = this.#world.diskOf(member)?.durable.of(partition).state;
      if (state?.view.epoch === view.epoch) promised = Math.max(promised, state.promised);
    }
    const leader = proposerOf(view, promised);
    return leader === null ? [] : [leader.name];
  }

  /** Waits until somebody's proposal of a next view is on a disk. */
  #strikeMover({ ms, amount, others }: Fault): void {
    const world = this.#world;
    let struck = false;
    this.#oracles.onProposed = (name, members) => {
      if (struck) return;
      struck = true;
      if (others.includes("one-hears")) this.#leaveOne(name, members, ms);
      world.scheduler.after(amount, () => {
        if (this.#ended) return;
        if (others.includes("crash")) this.#crash([name], ms, 0);
        else if (others.includes("pause")) world.pause(name, ms);
        else world.cut([name], [...this.#names], { ms });
        if (others.includes("back")) this.#wantBack();
      });
    };
  }

  /** Of these members only one still hears from that node. */
  #leaveOne(name: string, members: readonly Member[], ms: number): void {
    const names = members.map((member) => member.name).filter((other) => other !== name);
    this.#world.cut([name], this.#random.shuffle(names).slice(1), { ms, oneWay: true });
  }

  // --- disks ------------------------------------------------------------------------------------

  #lose(name: string, ms: number): void {
    const platter = this.#world.platters.get(name);
    if (platter === undefined) return;
    const { scheduler } = this.#world;
    this.#lost.set(platter.incarnation, scheduler.now() + healingMs);
    this.#damaged.delete(name);
    this.#world.crash(name, { loseDisk: true });
    this.#restartAfter(name, ms);
  }

  /** Waits for the next decision; some member of the view before then loses its disk. */
  #loseMoving(delayMs: number, ms: number): void {
    let struck = false;
    this.#oracles.onDecided = (members) => {
      const victim = this.#random.pick(members);
      if (struck || victim === undefined) return;
      struck = true;
      this.#world.scheduler.after(delayMs, () => {
        if (this.#mayLose(victim.name)) this.#lose(victim.name, ms);
      });
    };
  }

  /**
   * Whether the copies are made to survive the loss of this disk as well: of each view that may
   * still be asked a majority must keep its disks, and no more may be missing at once than that.
   */
  #mayLose(name: string): boolean {
    const { platters } = this.#world;
    const platter = platters.get(name);
    if (platter === undefined || this.#ended) return false;
    // Nothing was ever on it.
    if (platter.durable.record.charter === null) return true;
    const begun = this.#oracles.partitions.every(({ views }) => views.last !== null);
    const chartered = [...platters.values()].every(
      ({ durable }) => durable.record.charter?.complete === true,
    );
    if (!begun || !chartered || !this.#mayLoseFounder(name)) return false;
    return this.#unhealedWith(platter.incarnation) <= this.#lossesMax();
  }

  /** Most founders must keep their disks. */
  #mayLoseFounder(name: string): boolean {
    const { founders, platters } = this.#world;
    const empty = founders.filter((founder) => {
      return founder === name || platters.get(founder)?.durable.record.charter?.complete !== true;
    });
    return !founders.includes(name) || 2 * empty.length <= founders.length;
  }

  /** Disks that are gone and that somebody may still count on, with this one. */
  #unhealedWith(incarnation: string): number {
    const nowMs = this.#world.scheduler.now();
    const counted = this.#askedViews().flatMap(({ members }) => members);
    const unhealed = [...this.#lost].filter(
      ([lost, untilMs]) => untilMs > nowMs || counted.some((member) => member.incarnation === lost),
    );
    return new Set([incarnation, ...unhealed.map(([lost]) => lost)]).size;
  }

  /** How many disks any view may lose, also the one that is wanted next. */
  #lossesMax(): number {
    const wanted = Math.min(this.roster?.copies ?? 7, this.roster?.pods.length ?? 7);
    const sizes = [wanted, ...this.#askedViews().map(({ members }) => members.length)];
    return Math.min(...sizes.map((size) => Math.floor((size - 1) / 2)));
  }

  /** Of each partition its view and the one before it. */
  #askedViews(): View[] {
    return this.#oracles.partitions.flatMap(({ views }) => {
      const { last } = views;
      return last === null ? [] : [last, views.of(last.epoch - 1) ?? last];
    });
  }

  #ruin({ amount, ms }: Fault): void {
    const members = this.#oracles.partitions[amount]?.views.last?.members ?? [];
    const there = members.filter((member) => this.#world.diskOf(member) !== null);
    const count = Math.floor(members.length / 2) + 1;
    // Somebody must be left to tell the others that the ring has begun long ago.
    if (this.#world.running.size <= count) return;
    for (const { name } of there.slice(0, count)) this.#lose(name, ms);
  }

  #damage({ nodes, others, amount }: Fault): void {
    const [name = ""] = nodes;
    const key = this.#keys[amount % this.#keys.length] ?? "";
    const node = this.#world.running.get(name);
    if (node === undefined || this.#damaged.has(name) || !this.#mayLose(name)) return;
    const { platter } = node;
    for (const { partition } of this.#oracles.partitions) {
      const stored = platter.durable.of(partition);
      if (!stored.records.has(key)) continue;
      const damage = (others[0] ?? "record") as Damage;
      stored.damaged.set(key, damage);
      node.disk.visible(partition).damaged.set(key, damage);
      this.#damaged.set(name, platter);
      this.#lost.set(platter.incarnation, Number.POSITIVE_INFINITY);
    }
  }

  #setDisks(fault: Fault, on: Partial<Platter["faults"]>, off: Partial<Platter["faults"]>): void {
    const struck = fault.nodes.flatMap((name) => this.#world.platters.get(name) ?? []);
    for (const { faults } of struck) Object.assign(faults, on);
    this.#later(fault, () => {
      for (const { faults } of struck) Object.assign(faults, off);
    });
  }

  // --- the rest ---------------------------------------------------------------------------------

  #want({ nodes, amount }: Fault): void {
    const pods = nodes.map((name) => ({ name, zone: null }));
    for (const name of nodes) if (!this.#names.has(name)) this.start(name);
    this.#setRoster({ copies: amount, pods });
  }

  /** What was wanted before the last change. */
  #wantBack(): void {
    if (this.#before !== null) this.#setRoster(this.#before);
  }

  #setRoster({ copies, pods }: Pick<Roster, "copies" | "pods">): void {
    this.#before = this.roster ?? this.#chartered();
    this.#generation += 1;
    this.roster = { generation: this.#generation, copies, pods };
    this.#tellRoster();
  }

  #chartered(): Roster | null {
    const records = [...this.#world.platters.values()].map(({ durable }) => durable.record);
    return records.find(({ roster }) => roster !== null)?.roster ?? null;
  }

  #setRate(fault: Fault, rates: Partial<NetworkFaults>): void {
    const { faults } = this.#world.network;
    Object.assign(faults, rates);
    this.#later(fault, () => {
      for (const rate of Object.keys(rates)) Object.assign(faults, { [rate]: 0 });
    });
  }

  #slow(fault: Fault): void {
    const struck = this.#running(fault.nodes);
    for (const node of struck) node.slowMs = fault.amount;
    this.#later(fault, () => {
      for (const node of struck) node.slowMs = 0;
    });
  }
}
