/** The papers' little rings: nodes with chosen identifiers, in virtual time, by production code. */
import {
  Chord,
  chordOptions,
  Circle,
  type Id,
  type LookupOptions,
  type LookupResult,
  type RingRecord,
} from "../../src/chord/index.ts";
import { Network } from "../../sim/network.ts";
import { SeededRandom } from "../../sim/random.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { silentLog, silentMetrics } from "../../sim/silent-ports.ts";

export class SmallRing {
  readonly #circle: Circle;
  readonly #bits: number;
  readonly #successors: number;
  readonly #scheduler = new Scheduler();
  readonly #random = new SeededRandom(1);
  readonly #network = new Network(this.#scheduler, this.#random);
  readonly #chords = new Map<number, Chord>();
  readonly #founders: string[];

  private constructor(bits: number, ids: readonly number[], successors: number) {
    this.#bits = bits;
    this.#circle = new Circle(bits);
    this.#successors = successors;
    this.#founders = ids.map((id) => `n${id}`);
  }

  /** A ring of exactly these identifiers, ideal and with right fingers. */
  static async found(
    bits: number,
    ids: readonly number[],
    options: { successors: number },
  ): Promise<SmallRing> {
    const ring = new SmallRing(bits, ids, options.successors);
    for (const id of ids) ring.#start(id);
    await ring.#settle();
    return ring;
  }

  async join(id: number): Promise<void> {
    this.#start(id);
    await this.#settle();
  }

  /** A lookup at a node, driven to its end. */
  async find(from: number, id: Id, options: LookupOptions = {}): Promise<LookupResult> {
    const outcome: { result?: LookupResult; error?: unknown } = {};
    this.#chord(from)
      .find(id, options)
      .then(
        (result) => Object.assign(outcome, { result }),
        (error: unknown) => Object.assign(outcome, { error }),
      );
    const ended = (): boolean => "result" in outcome || "error" in outcome;
    await this.#scheduler.runUntil(ended, 60_000);
    if (outcome.result === undefined) throw outcome.error;
    return outcome.result;
  }

  /** All fingers of a node, as numbers. */
  fingersOf(id: number): number[] {
    const shown = this.#chord(id).view().fingers;
    const starts = shown.map((finger) => finger.start);
    return Array.from({ length: this.#bits }, (_, exponent) => {
      const start = this.#circle.fingerStart(this.#circle.fromNumber(id), exponent);
      const exact = starts.indexOf(start);
      if (exact >= 0) return Number.parseInt(shown[exact]?.node.id ?? "", 16);
      return -1;
    }).map((value, exponent, all) => (value >= 0 ? value : lastKnown(all, exponent)));
  }

  #chord(id: number): Chord {
    const chord = this.#chords.get(id);
    if (chord === undefined) throw new Error(`No node ${id}`);
    return chord;
  }

  #start(id: number): void {
    const name = `n${id}`;
    const address = `${name}:8081`;
    let record: RingRecord | null = null;
    const chord = new Chord(
      {
        transport: this.#network.transportFrom(address),
        clock: this.#scheduler,
        random: this.#random,
        hash: { idOf: (text) => this.#circle.fromNumber(Number(text.slice(1))) },
        discovery: {
          seed: null,
          addresses: async () => [...this.#chords.values()].map((other) => other.self.address),
          founders: async () => this.#founders,
        },
        record: {
          load: () => record,
          save: async (value) => {
            record = value;
          },
        },
        log: silentLog,
        metrics: silentMetrics,
      },
      chordOptions({
        ring: "paper",
        name,
        address,
        bits: this.#bits,
        successors: this.#successors,
      }),
    );
    this.#chords.set(id, chord);
    this.#network.hosts.set(address, {
      handle: (envelope, request) => chord.handle(envelope, request),
      pausedUntilMs: 0,
    });
    chord.start();
  }

  /** Long enough for every pointer and finger of a ring this small. */
  async #settle(): Promise<void> {
    const ready = (): boolean => [...this.#chords.values()].every((chord) => chord.ready);
    await this.#scheduler.runUntil(ready, 60_000);
    await this.#scheduler.run(60_000);
  }
}

function lastKnown(values: readonly number[], exponent: number): number {
  for (let i = exponent; i >= 0; i--) if ((values[i] ?? -1) >= 0) return values[i] as number;
  return -1;
}
