/**
 * Where a scenario plays: a world on a small circle whose nodes are called by their identifiers, so
 * that `n8` is the node 8, with every oracle watching. It turns what happens into transcript lines.
 */
import {
  type Chord,
  Circle,
  ChordError,
  type ChordOptions,
  type Id,
  type NodeRef,
} from "../../src/chord/index.ts";
import { OracleError, Oracles } from "../oracles.ts";
import { type SimulatedNode, World } from "../world.ts";
import { numberOf, numberOfId, ScenarioError } from "./names.ts";
import { Traffic } from "./traffic.ts";

export interface StageOptions {
  readonly bits: number;
  readonly successors: number;
  readonly seed: number;
  readonly stabilizeIntervalMs: number;
  readonly founders: readonly string[];
}

/** Where a forging host answers. */
export const strangerAddress = "10.66.6.6:8081";

export class Stage {
  readonly world: World;
  readonly oracles: Oracles;
  readonly circle: Circle;
  readonly traffic: Traffic;
  readonly options: StageOptions;
  /** Whether somebody lies: then the oracles of the ring as a whole rest. */
  hostile = false;
  /** Lines since the last command. */
  #lines: string[] = [];
  #seenCount = 0;
  /** The moment that transcripts call zero. */
  #originMs = 0;
  /** Name of whoever had an address last. */
  readonly #names = new Map<string, string>();

  constructor(options: StageOptions) {
    this.options = options;
    this.circle = new Circle(options.bits);
    const { seed, successors, founders, stabilizeIntervalMs } = options;
    // `every` stretches the timers only: how soon a dead node is given up stays the same.
    const tunables: Partial<ChordOptions> = {
      bits: options.bits,
      suspicionMs: 2000,
      foundingPatienceMs: 10_000,
      censusIntervalMs: 5000,
    };
    this.world = new World({
      seed,
      successors,
      founders,
      stabilizeIntervalMs,
      options: tunables,
      idOf: (text) => this.circle.fromNumber(numberOf(text)),
    });
    this.oracles = new Oracles(this.world);
    this.oracles.liarPresent = () => this.hostile;
    this.traffic = new Traffic(this);
  }

  // --- output ---------------------------------------------------------------------------------

  print(line: string): void {
    this.#takeNotes();
    this.#lines.push(line);
  }

  /** All lines since it was called last. */
  takeLines(): readonly string[] {
    this.#takeNotes();
    return this.#lines.splice(0);
  }

  /** Forgets what happened so far, and calls this moment zero. */
  begin(): void {
    this.takeLines();
    this.#originMs = this.world.scheduler.now();
  }

  /** The world's notes, with the time since `begin`. */
  #takeNotes(): void {
    for (const note of this.world.transcript.slice(this.#seenCount)) {
      const [time, what] = splitOnce(note.trim(), " s  ");
      const seconds = Number(time) - this.#originMs / 1000;
      this.#lines.push(`${seconds.toFixed(3).padStart(8)} s  ${readable(what)}`);
    }
    this.#seenCount = this.world.transcript.length;
  }

  // --- names ----------------------------------------------------------------------------------

  nodes(): SimulatedNode[] {
    const nodes = [...this.world.running.values()];
    return nodes.sort((a, b) => (this.world.idOf(a.name) < this.world.idOf(b.name) ? -1 : 1));
  }

  node(name: string): SimulatedNode {
    const node = this.world.running.get(name);
    if (node === undefined) throw new ScenarioError(`${name} does not run`);
    return node;
  }

  chord(name: string): Chord {
    return this.node(name).chord;
  }

  idOf(value: number): Id {
    return this.circle.fromNumber(value);
  }

  /** A reference as people read it: marked where its node is dead, or has another address now. */
  show(node: NodeRef): string {
    const running = this.world.running.get(node.name);
    const life =
      running === undefined ? "(dead)" : running.address === node.address ? "" : "(old address)";
    const forged = this.world.idOf(node.name) === node.id ? "" : `(as ${numberOfId(node.id)})`;
    const place = node.address === strangerAddress ? "(stranger)" : life;
    return `${node.name}${forged}${place}`;
  }

  /** Who is, or was last, at an address. */
  nameAt(address: string): string {
    if (address === strangerAddress) return "stranger";
    return this.#names.get(address) ?? address;
  }

  // --- time -----------------------------------------------------------------------------------

  start(name: string): Chord {
    const chord = this.world.start(name);
    this.#names.set(this.node(name).address, name);
    return chord;
  }

  /** Lets time pass. A broken promise becomes a line of the transcript, and the world goes on. */
  async run(ms: number): Promise<void> {
    const { scheduler } = this.world;
    const endMs = scheduler.now() + ms;
    for (let broken = 0; broken < 10; broken++) {
      try {
        await scheduler.run(endMs - scheduler.now());
        return;
      } catch (error) {
        if (!(error instanceof OracleError)) throw error;
        this.print(`BROKEN ${error.message}`);
      }
    }
    throw new ScenarioError("The world is too broken to go on");
  }

  /** Lets time pass until the condition holds; looks every millisecond. */
  async until(condition: () => boolean, msMax: number): Promise<boolean> {
    const { scheduler } = this.world;
    const endMs = scheduler.now() + msMax;
    while (!condition()) {
      if (scheduler.now() >= endMs) return false;
      await this.run(1);
    }
    return true;
  }

  /** Waits for a promise of the world's; gives its value or the refusal as text. */
  async outcome<T>(promise: Promise<T>, msMax: number): Promise<T | ChordError | null> {
    let settled: T | ChordError | null = null;
    promise.then(
      (value) => (settled = value),
      (error: unknown) => {
        settled = error instanceof ChordError ? error : new ChordError("internal", String(error));
      },
    );
    await this.until(() => settled !== null, msMax);
    return settled;
  }
}

/** A log line's fields, from JSON to words; a `detail` is a sentence of its own. */
function readable(what: string): string {
  const from = what.search(/ \{.*\}$/);
  if (from < 0) return what;
  const fields = JSON.parse(what.slice(from)) as Record<string, unknown>;
  const words = Object.entries(fields).map(([name, value]) =>
    name === "detail" || name === "why" ? `: ${String(value)}` : `, ${name} ${String(value)}`,
  );
  return `${what.slice(0, from)}${words.join("")}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return [text.slice(0, index), text.slice(index + separator.length)];
}
