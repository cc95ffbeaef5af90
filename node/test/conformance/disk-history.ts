/**
 * Arbitrary work on a disk, beside plain maps that say what it must show. After a crash it must
 * show one of the states that it had since the last acknowledgement: that is what it means that
 * nothing is durable before what was changed earlier.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Held } from "../../src/replication/record.ts";
import type { Disk } from "../../src/replication/store.ts";
import { expiringOf, heldOf, stateOf, tombstoneOf } from "../support/held-records.ts";

const partitions = [0, 1, 2] as const;

const partition = fc.constantFrom(...partitions);
const key = fc.constantFrom("a", "b", "\uFFFD", "\u{1F511}");
/** Some values lie apart from their records, some do not. */
const length = fc.constantFrom(0, 10, 1_500, 3_000);
const expiresMs = fc.option(fc.nat(20));
/** The time of day at which disks are asked what has expired. */
const nowMs = 10;

function step<T extends string, P extends object>(
  type: T,
  parts: P,
): fc.Arbitrary<
  { readonly type: T } & { [K in keyof P]: P[K] extends fc.Arbitrary<infer V> ? V : never }
> {
  return fc.record({ type: fc.constant(type), ...parts }) as never;
}

const anyStep = fc.oneof(
  { weight: 8, arbitrary: step("keep", { partition, key, length, expiresMs }) },
  { weight: 2, arbitrary: step("delete", { partition, key }) },
  { weight: 2, arbitrary: step("forget", { partition, key }) },
  { weight: 2, arbitrary: step("save", { partition }) },
  { weight: 1, arbitrary: step("clear", { partition }) },
  { weight: 4, arbitrary: step("turn", {}) },
  { weight: 3, arbitrary: step("durable", {}) },
  { weight: 1, arbitrary: step("full", {}) },
  { weight: 2, arbitrary: step("room", {}) },
  { weight: 1, arbitrary: step("crash", {}) },
);

export type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

export const anySteps: fc.Arbitrary<Step[]> = fc.array(anyStep, { maxLength: 60 });

/** The disk under test, and what can be done to it from outside. */
export interface Bench {
  /** The present one: another after each crash. */
  readonly disk: () => Disk;
  readonly crash: () => void;
  readonly setFull: (full: boolean) => void;
  readonly nextTurn: () => Promise<void>;
}

interface Shown {
  promised: number;
  readonly records: Map<string, Held>;
}

type State = readonly Shown[];

/** The disk's states, each as a text, that a crash may bring back; the last one is the present. */
export class DiskHistory {
  readonly #bench: Bench;
  #now: State = partitions.map(() => ({ promised: 0, records: new Map<string, Held>() }));
  #possible: State[] = [copyOf(this.#now)];
  #count = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#take(step);
      assert.equal(textOfDisk(this.#bench.disk()), textOf(this.#now));
    }
  }

  async #take(step: Step): Promise<void> {
    if (step.type === "turn") await this.#bench.nextTurn();
    else if (step.type === "durable") await this.#durable();
    else if (step.type === "crash") this.#crash();
    else if (step.type === "full" || step.type === "room")
      this.#bench.setFull(step.type === "full");
    else this.#change(step);
  }

  async #durable(): Promise<void> {
    const before = this.#possible.length;
    const done = await this.#bench
      .disk()
      .durable()
      .then(
        () => true,
        () => false,
      );
    if (done) this.#possible = this.#possible.slice(before - 1);
  }

  #crash(): void {
    this.#bench.crash();
    const found = textOfDisk(this.#bench.disk());
    const state = this.#possible.find((possible) => textOf(possible) === found);
    assert.ok(state, `${found} is none of ${this.#possible.map(textOf).join("\n")}`);
    this.#now = copyOf(state);
    this.#possible = [state];
  }

  #change(step: Extract<Step, { readonly partition: number }>): void {
    this.#count += 1;
    const shown = this.#now[step.partition] as Shown;
    const replica = this.#bench.disk().replica(step.partition);
    if (step.type === "save") {
      shown.promised = this.#count;
      replica.save(stateOf(this.#count));
    } else if (step.type === "clear") {
      shown.records.clear();
      replica.clear();
    } else if (step.type === "forget") {
      shown.records.delete(step.key);
      replica.forget(step.key);
    } else {
      const held = step.type === "delete" ? tombstoneOf(this.#count) : heldIn(this.#count, step);
      shown.records.set(step.key, held);
      replica.keep(step.key, held);
    }
    this.#possible.push(copyOf(this.#now));
  }
}

function heldIn(count: number, step: Extract<Step, { readonly type: "keep" }>): Held {
  const value = Buffer.alloc(step.length, count);
  const { expiresMs } = step;
  return expiresMs === null ? heldOf(count, value) : expiringOf(count, expiresMs, value);
}

function copyOf(state: State): State {
  return state.map(({ promised, records }) => ({ promised, records: new Map(records) }));
}

function textOf(state: State): string {
  return state.map(({ promised, records }) => `${promised} ${textOfRecords(records)}`).join(" | ");
}

function textOfRecords(records: ReadonlyMap<string, Held>): string {
  const parts = [...records].map(([key, { stamp, state }]) => {
    return `${key}:${stamp.count}:${state.content?.bytes.length}:${state.content?.expiresMs}`;
  });
  return parts.sort().join(" ");
}

/** The same of what the disk shows, checked in itself. */
function textOfDisk(disk: Disk): string {
  const state = partitions.map((partition) => {
    const replica = disk.replica(partition);
    const records = new Map<string, Held>();
    let keys = 0;
    let bytes = 0;
    const over: string[] = [];
    for (const { key, stamp } of replica.entries(null, 100)) {
      const held = replica.held(key) as Held;
      assert.deepEqual(held.stamp, stamp);
      records.set(key, held);
      keys += Number(held.state.content !== null);
      bytes += held.state.content?.bytes.length ?? 0;
      if ((held.state.content?.expiresMs ?? nowMs + 1) <= nowMs) over.push(key);
    }
    assert.deepEqual(replica.expired(nowMs, 100).toSorted(), over.toSorted());
    assert.equal(replica.expired(nowMs, 1).length, Math.min(over.length, 1));
    assert.deepEqual(replica.counts(), { keys, bytes });
    return { promised: replica.state?.promised ?? 0, records };
  });
  return textOf(state);
}
