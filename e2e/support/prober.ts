/**
 * A client that never stops asking: lookups of random keys through random living nodes, while pods
 * die around it. It judges every answer by the model.
 *
 * It asks at a fixed rate and does not wait for answers: a client that waited would ask least just
 * when the ring is at its slowest, and so see less of it.
 *
 * What is right while nodes come and go: walking clockwise from the key, the owner is the first
 * node that certainly lives, or one before it that may or may not live just now.
 */
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import type { IdealRing } from "./model.ts";
import { lookUpOnce, type Ring, type RingNode } from "./ring.ts";
import { pause } from "./wait.ts";

/** 40 lookups a second: enough to count failures by the hundredth, and little work for a node. */
const INTERVAL_MS = 25;
/** Beyond this the ring answers so slowly that asking more would only add to it. */
const OUTSTANDING_MAX = 400;
const EXAMPLES_MAX = 5;

export interface ProbeReport {
  readonly asked: number;
  readonly failed: number;
  /** Lookups that named a node that cannot own the key. */
  readonly wrong: readonly string[];
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

export class Prober {
  readonly #ring: Ring;
  readonly #model: IdealRing;
  /** Nodes that the tests left alone since the ring was last ideal: only these are asked. */
  #living: RingNode[] = [];
  /** Nodes that were killed since then: they may live again or not. */
  #uncertain = new Set<string>();
  readonly #outstanding = new Set<Promise<void>>();
  #asking: Promise<void> = Promise.resolve();
  #stopped = false;
  #asked = 0;
  #failed = 0;
  #slowestMs = 0;
  readonly #wrong: string[] = [];
  readonly #failures: string[] = [];

  constructor(ring: Ring, count: number) {
    this.#ring = ring;
    this.#model = ring.model(count);
  }

  async start(): Promise<void> {
    await this.settled();
    this.#asking = this.#askOn();
  }

  /** To be told before nodes are killed. */
  killing(names: readonly string[]): void {
    this.#living = this.#living.filter((node) => !names.includes(node.name));
    for (const name of names) this.#uncertain.add(name);
  }

  /** To be told when the ring is ideal again, of nodes that may have new addresses. */
  async settled(): Promise<void> {
    this.#living = await this.#ring.nodes();
    this.#uncertain = new Set();
  }

  async stop(): Promise<ProbeReport> {
    this.#stopped = true;
    await this.#asking;
    await Promise.all(this.#outstanding);
    const failures = this.#failures;
    const wrong = this.#wrong;
    return {
      asked: this.#asked,
      failed: this.#failed,
      wrong,
      failures,
      slowestMs: this.#slowestMs,
    };
  }

  async #askOn(): Promise<void> {
    while (!this.#stopped) {
      const living = this.#living;
      const node = living[randomInt(Math.max(1, living.length))];
      if (node !== undefined && this.#outstanding.size < OUTSTANDING_MAX) {
        const lookup = this.#ask(node);
        this.#outstanding.add(lookup);
        void lookup.finally(() => this.#outstanding.delete(lookup));
      }
      await pause(INTERVAL_MS);
    }
  }

  async #ask(node: RingNode): Promise<void> {
    const key = randomBytes(9).toString("base64url");
    const uncertainBefore = this.#uncertain;
    const startedMs = Date.now();
    try {
      const { owner } = await lookUpOnce(node, key);
      this.#asked += 1;
      const uncertain = new Set([...uncertainBefore, ...this.#uncertain]);
      if (!this.#mayOwn(owner.name, key, uncertain)) {
        this.#wrong.push(`${node.name} named ${owner.name} as owner of ${key}`);
      }
    } catch (error) {
      // A node that was killed while it was asked need not have answered.
      if (!this.#living.some((one) => one.uid === node.uid)) return;
      this.#asked += 1;
      this.#failed += 1;
      if (this.#failures.length < EXAMPLES_MAX) this.#failures.push(String(error));
    }
    this.#slowestMs = Math.max(this.#slowestMs, Date.now() - startedMs);
  }

  #mayOwn(name: string, key: string, uncertain: ReadonlySet<string>): boolean {
    const candidates = this.#model.from(key);
    const firstCertain = candidates.findIndex((one) => !uncertain.has(one));
    const right = firstCertain < 0 ? candidates : candidates.slice(0, firstCertain + 1);
    return right.includes(name);
  }
}

/** At least 99 % answered, none of them wrongly. */
export function assertServed(report: ProbeReport): void {
  assert.deepEqual(report.wrong, []);
  assert.ok(report.asked >= 100, `only ${report.asked} lookups were asked`);
  const share = 1 - report.failed / report.asked;
  const examples = report.failures.join("; ");
  assert.ok(share >= 0.99, `${report.failed} of ${report.asked} lookups failed: ${examples}`);
}
