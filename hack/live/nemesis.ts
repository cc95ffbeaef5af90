/**
 * Does to a local ring what a schedule says, and notes each step in the history.
 *
 * It never gives up on a fault half-way: whatever it stopped, killed or cut is running and whole
 * after `heal`. A fault whose time has passed because the lane had to wait is left out.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { LocalNode, LocalRing } from "../lib/local-ring.ts";
import { skewedClock } from "./clock-skew.ts";
import type { History } from "./history.ts";
import type { FaultKind, LinkFault, Planned, ProcessFault, Schedule } from "./schedule.ts";

export interface NemesisOptions {
  readonly ring: LocalRing;
  readonly history: History;
  /** Faults begin only before this time after the start. */
  readonly durationMs: number;
  /**
   * Resolves with true once every value has all its copies in their places, with false when the
   * signal comes first. Only then may a disk be lost.
   */
  readonly repaired: (signal: AbortSignal) => Promise<boolean>;
}

const ADMIN_TIMEOUT_MS = 10_000;
/** How long the processes' lane waits for the ring before it goes on without. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 100;
/** A node that ends by itself again and again is left alone at last. */
const CRASHES_MAX = 20;
const FATAL_CHARACTERS = 600;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #ended = new AbortController();
  /** What is going on just now, by lane. */
  readonly #current = new Map<string, string>();
  readonly #counts = new Map<FaultKind, number>();
  /** Variables of nodes whose clocks are wrong. */
  readonly #clocks = new Map<number, Record<string, string>>();
  /** Nodes that are down because they were ended here. */
  readonly #down = new Set<number>();
  readonly #crashes: string[] = [];
  #released = false;
  #lanes: Promise<unknown> = Promise.resolve();
  #startedMs = 0;

  constructor(options: NemesisOptions) {
    this.#options = options;
    for (const number of options.ring.nodes.keys()) void this.#watch(number);
  }

  /** Nodes that ended by themselves, one sentence each. They were started again. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  /** From now on nodes may end: the test is over. */
  release(): void {
    this.#released = true;
  }

  /** For people: the faults that are there now. */
  get current(): string {
    return [...this.#current.values()].join(", ") || "no fault";
  }

  /** How many faults of each kind there were. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  start(schedule: Schedule): void {
    this.#startedMs = performance.now();
    this.#lanes = Promise.all([
      this.#lane("processes", schedule.processes, (fault) => this.#toProcesses(fault)),
      this.#lane("links", schedule.links, (fault) => this.#toLinks(fault)),
    ]);
    // Thrown by `heal`.
    this.#lanes.catch(() => undefined);
  }

  /** Begins no further fault, and undoes what is there. */
  async heal(): Promise<void> {
    this.#ended.abort();
    await this.#lanes;
    this.#options.history.fault({ fault: "heal", phase: "once", text: "all" });
  }

  async #lane<Fault extends ProcessFault | LinkFault>(
    name: string,
    planned: readonly Planned<Fault>[],
    inflict: (fault: Fault) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#ended;
    // Once the lane is late, everything behind comes as much later, with the planned pauses.
    let lateMs = 0;
    for (const { atMs, waits, fault } of planned) {
      await this.#pause(atMs + lateMs - this.#elapsedMs());
      if (waits && name === "processes") await this.#ready(this.#options.ring.nodes);
      lateMs = Math.max(lateMs, this.#elapsedMs() - atMs);
      if (signal.aborted || this.#elapsedMs() >= this.#options.durationMs) return;
      this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1);
      this.#current.set(name, fault.kind);
      await inflict(fault);
      this.#current.delete(name);
    }
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  async #toProcesses(fault: ProcessFault): Promise<void> {
    switch (fault.kind) {
      case "kill":
        return await this.#kill(fault.nodes, fault.forMs);
      case "pause":
        return await this.#freeze(fault.nodes, fault.forMs);
      case "restart":
        return await this.#restart(fault.node, "restart");
      case "rolling":
        return await this.#rollingRestart();
      case "replace":
        return await this.#replace(fault.node);
      case "scale":
        return await this.#scale(fault.node, fault.forMs);
      case "skew":
        this.#clocks.set(fault.node, skewedClock(fault.offsetSeconds, fault.rate));
        this.#note("skew", "once", this.#skewText(fault.node));
        return await this.#restart(fault.node, "restart");
    }
  }

  async #kill(numbers: readonly number[], forMs: number): Promise<void> {
    const names = this.#names(numbers);
    this.#note("kill", "begin", names);
    await Promise.all(numbers.map((number) => this.#end(number, "SIGKILL")));
    await this.#pause(forMs);
    for (const number of numbers) this.#start(number);
    this.#note("kill", "end", names);
  }

  async #freeze(numbers: readonly number[], forMs: number): Promise<void> {
    const names = this.#names(numbers);
    this.#note("pause", "begin", names);
    for (const number of numbers) this.#node(number).signal("SIGSTOP");
    await this.#pause(forMs);
    for (const number of numbers) this.#node(number).signal("SIGCONT");
    this.#note("pause", "end", names);
  }

  async #restart(number: number, fault: "restart" | "rolling"): Promise<void> {
    const names = this.#names([number]);
    this.#note(fault, "begin", names);
    await this.#end(number, "SIGTERM");
    this.#start(number);
    this.#note(fault, "end", names);
  }

  async #rollingRestart(): Promise<void> {
    for (const number of this.#options.ring.nodes.keys()) {
      if (this.#ended.signal.aborted) return;
      await this.#restart(number, "rolling");
      // As a rollout does.
      await this.#ready([this.#node(number)]);
    }
  }

  /** Waits until these nodes are ready, or have had time enough. */
  async #ready(nodes: readonly LocalNode[]): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!this.#ended.signal.aborted && performance.now() < deadlineMs) {
      const ready = await this.#options.ring.ready();
      if (nodes.every((node) => ready.includes(node))) return;
      await this.#pause(LOOK_MS);
    }
  }

  async #replace(number: number): Promise<void> {
    const names = this.#names([number]);
    if (!(await this.#repaired())) {
      this.#note("replace", "once", `${names}: left out, some copies are not made anew yet`);
      return;
    }
    this.#note("replace", "begin", names);
    await this.#end(number, "SIGKILL");
    await this.#node(number).wipe();
    this.#start(number);
    this.#note("replace", "end", names);
  }

  /** As the operator does: the copies go first, then the node leaves the ring; and all back. */
  async #scale(number: number, forMs: number): Promise<void> {
    const { ring } = this.#options;
    const names = this.#names([number]);
    this.#note("scale", "begin", names);
    await this.#roster(ring.nodes.filter((node) => node !== this.#node(number)));
    // Where the copies do not come to an end it is taken back in the middle.
    const gone = await this.#repaired();
    if (gone) await this.#admin(number, "leave");
    await this.#pause(forMs);
    if (gone) await this.#admin(number, "rejoin");
    await this.#roster(ring.nodes);
    this.#note("scale", "end", names);
  }

  async #roster(nodes: readonly LocalNode[]): Promise<void> {
    const names = nodes.map(({ name }) => name).join(" ");
    const taken = await this.#options.ring.setRoster(nodes).then(
      () => "taken",
      (error: unknown) => String(error),
    );
    this.#note("roster", "once", `${names}: ${taken}`);
  }

  /** Whether every value has all its copies within some time. */
  async #repaired(): Promise<boolean> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const { signal } = this.#ended;
    const repaired = await this.#options.repaired(AbortSignal.any([patience, signal]));
    return repaired && !signal.aborted;
  }

  async #toLinks({ kind, directions, state, delayMs, forMs }: LinkFault): Promise<void> {
    const { links } = this.#options.ring;
    const text = directions.map(([from, to]) => `${from}→${to}`).join(" ");
    const how = kind === "slow" ? `${delayMs} ms` : state;
    this.#note(kind, "begin", `${how} ${text}`);
    for (const [from, to] of directions) links.set(from, to, { state, delayMs });
    await this.#pause(forMs);
    for (const [from, to] of directions) links.set(from, to, {});
    this.#note(kind, "end", `${how} ${text}`);
  }

  async #end(number: number, signal: NodeJS.Signals): Promise<void> {
    this.#down.add(number);
    await this.#node(number).end(signal);
  }

  #start(number: number): void {
    this.#down.delete(number);
    this.#node(number).start(this.#clocks.get(number));
    void this.#watch(number);
  }

  /** As Kubernetes does: what ends by itself is started again. It should not have ended. */
  async #watch(number: number): Promise<void> {
    const node = this.#node(number);
    const code = await node.ended();
    if (this.#released || this.#down.has(number) || this.#crashes.length >= CRASHES_MAX) return;
    const reason = lastFatal(node.log());
    this.#crashes.push(`${node.name} ended by itself with code ${code}: ${reason}`);
    this.#note("crash", "once", `${node.name}: code ${code}`);
    this.#start(number);
  }

  async #admin(number: number, action: "leave" | "rejoin"): Promise<void> {
    const { ring } = this.#options;
    let answer: string;
    try {
      const response = await fetch(`${this.#node(number).peer}/admin/${action}`, {
        method: "POST",
        headers: { authorization: `Bearer ${ring.token}` },
        signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
      });
      answer = `${response.status} ${await response.text()}`;
    } catch (error) {
      answer = String(error);
    }
    this.#note("scale", "once", `${action} ${this.#names([number])}: ${answer}`);
  }

  #skewText(number: number): string {
    return `${this.#names([number])} ${this.#clocks.get(number)?.["FAKETIME"] ?? ""}`;
  }

  #node(number: number): LocalNode {
    return this.#options.ring.node(number);
  }

  #names(numbers: readonly number[]): string {
    return numbers.map((number) => this.#node(number).name).join(" ");
  }

  #note(fault: string, phase: "begin" | "end" | "once", text: string): void {
    this.#options.history.fault({ fault, phase, text });
  }

  /** Ends early when the test does. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ended;
    await delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  }
}

/** What a node said before it ended. */
function lastFatal(log: string): string {
  const lines = log.trimEnd().split("\n");
  const last = lines.findLast((line) => line.includes('"level":"fatal"')) ?? lines.at(-1) ?? "";
  return last.slice(0, FATAL_CHARACTERS);
}
