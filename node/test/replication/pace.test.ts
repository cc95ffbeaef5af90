/**
 * Goal: moving is as fast as clients hardly notice, comes to its end whatever they do, and is not
 * held up where there are none. Method: virtual time, and operations that take the longer the more
 * is moved.
 */
import assert from "node:assert/strict";
import { Scheduler } from "../../sim/scheduler.ts";
import { type MoveReason, Pace } from "../../src/replication/pace.ts";

const CALM_MS = 4;
const EVERY_MS = 20;

class Trial {
  readonly clock = new Scheduler();
  readonly pace = new Pace(this.clock);
  moved = 0;
  /** How long an operation takes when so many records are moved in a second. */
  operationMs = (_rate: number): number => CALM_MS;
  #clients = false;
  #rate = 0;

  /** Clients come, one operation after the other. */
  begin(): void {
    this.#clients = true;
    const one = (): void => {
      if (!this.#clients) return;
      this.clock.after(EVERY_MS, one);
      void this.pace.serve(() => this.#passes(this.operationMs(this.#rate)));
    };
    one();
  }

  end(): void {
    this.#clients = false;
  }

  /** Moves for so long; gives the records of each second. */
  async move(seconds: number, reason: MoveReason = "placing"): Promise<readonly number[]> {
    const end = new AbortController();
    const mover = async (): Promise<void> => {
      while (!end.signal.aborted) {
        const count = this.pace.asked(reason);
        await this.#passes(1);
        this.moved += count;
        await this.pace.moved(count, reason);
      }
    };
    void mover();
    const rates: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      const before = this.moved;
      await this.clock.run(1_000);
      this.#rate = this.moved - before;
      rates.push(this.#rate);
    }
    end.abort();
    return rates;
  }

  #passes(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(ms, resolve);
    });
  }
}

/** Clients have been there for a while, and nothing moved. */
async function withClients(): Promise<Trial> {
  const trial = new Trial();
  trial.begin();
  await trial.clock.run(5_000);
  return trial;
}

describe("the pace of moving", () => {
  it("has no limit where there are no clients", async () => {
    const [first = 0] = await new Trial().move(1);
    assert.ok(first > 1_000_000, `${first} records in a second`);
  });

  it("rises as long as clients do not notice", async () => {
    const trial = await withClients();
    const rates = await trial.move(20);
    assert.ok((rates[0] ?? 0) < 200, `begins with ${rates[0]}`);
    assert.ok((rates.at(-1) ?? 0) > 10_000, `ends with ${rates.at(-1)}`);
  });

  it("stays where clients begin to notice", async () => {
    const trial = await withClients();
    trial.operationMs = (rate) => (rate > 1_000 ? 3 * CALM_MS : CALM_MS);
    await trial.move(20);
    const rates = await trial.move(60);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    assert.ok(mean > 300 && mean < 1_500, `${mean} records a second`);
  });

  it("goes on slowly when clients wait all the same, faster where copies are missing", async () => {
    const trial = await withClients();
    trial.operationMs = () => 10 * CALM_MS;
    await trial.move(5);
    const placing = await trial.move(10);
    const mending = await trial.move(10, "mending");
    assert.ok(
      placing.every((rate) => rate > 10 && rate < 150),
      placing.join(" "),
    );
    assert.ok(
      mending.every((rate) => rate > 500 && rate < 1_500),
      mending.join(" "),
    );
  });

  it("takes clients who get no answer for clients who wait", async () => {
    const trial = await withClients();
    await trial.move(20);
    trial.operationMs = () => 1_000_000;
    await trial.move(10);
    const rates = await trial.move(5);
    assert.ok(
      rates.every((rate) => rate > 0 && rate < 150),
      rates.join(" "),
    );
  });

  it("has no limit again when the clients are gone", async () => {
    const trial = await withClients();
    await trial.move(2);
    trial.end();
    await trial.move(2);
    assert.equal(trial.pace.busy, false);
    const [first = 0] = await trial.move(1);
    assert.ok(first > 100_000, `${first} records in a second`);
  });
});
