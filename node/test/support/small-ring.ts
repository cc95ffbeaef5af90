/** The papers' little rings: nodes with chosen identifiers, in virtual time, by production code. */
import {
  type Chord,
  Circle,
  type Id,
  type LookupOptions,
  type LookupResult,
} from "../../src/chord/index.ts";
import { World } from "../../sim/world.ts";

export class SmallRing {
  readonly #circle: Circle;
  readonly #world: World;

  private constructor(bits: number, ids: readonly number[], successors: number) {
    this.#circle = new Circle(bits);
    this.#world = new World({
      seed: 1,
      successors,
      founders: ids.map((id) => `n${id}`),
      options: { bits },
      idOf: (text) => this.#circle.fromNumber(Number(text.slice(1))),
    });
  }

  /** A ring of exactly these identifiers, ideal and with right fingers. */
  static async found(
    bits: number,
    ids: readonly number[],
    options: { successors: number },
  ): Promise<SmallRing> {
    const ring = new SmallRing(bits, ids, options.successors);
    for (const id of ids) ring.#world.start(`n${id}`);
    await ring.#settle();
    return ring;
  }

  async join(id: number): Promise<void> {
    this.#world.start(`n${id}`);
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
    await this.#world.scheduler.runUntil(ended, 60_000);
    if (outcome.result === undefined) throw outcome.error;
    return outcome.result;
  }

  /** All fingers of a node, as numbers. */
  fingersOf(id: number): number[] {
    const shown = this.#chord(id).view().fingers;
    const starts = shown.map((finger) => finger.start);
    return Array.from({ length: this.#circle.bits }, (_, exponent) => {
      const start = this.#circle.fingerStart(this.#circle.fromNumber(id), exponent);
      const exact = starts.indexOf(start);
      if (exact >= 0) return Number.parseInt(shown[exact]?.node.id ?? "", 16);
      return -1;
    }).map((value, exponent, all) => (value >= 0 ? value : lastKnown(all, exponent)));
  }

  #chord(id: number): Chord {
    const node = this.#world.running.get(`n${id}`);
    if (node === undefined) throw new Error(`No node ${id}`);
    return node.chord;
  }

  /** Long enough for every pointer and finger of a ring this small. */
  async #settle(): Promise<void> {
    await this.#world.scheduler.runUntil(() => this.#world.ideal().ideal, 60_000);
    await this.#world.scheduler.run(60_000);
  }
}

function lastKnown(values: readonly number[], exponent: number): number {
  for (let i = exponent; i >= 0; i--) if ((values[i] ?? -1) >= 0) return values[i] as number;
  return -1;
}
