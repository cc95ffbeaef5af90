/**
 * The end of values whose time is over: the partition's leader deletes them, as a client could.
 *
 * No read compares clocks. A value is there until its delete is committed, and then it is gone for
 * everybody, so what clients see is linearizable whatever the clocks say; a clock that is wrong
 * only makes a value go too early or too late. The delete is on condition: of the version that was
 * found, and of its time, looked at once more in the one step that writes.
 */
import { ReplicationError } from "./errors.ts";
import type { Expire, Outcome } from "./operation.ts";
import type { ReplicationOptions } from "./options.ts";
import type { ReplicationMetrics, WallClock } from "./ports.ts";
import type { Replica } from "./replica.ts";

export interface ExpiryParts {
  readonly replica: Pick<Replica, "expired" | "held">;
  readonly wallClock: WallClock;
  readonly metrics: Pick<ReplicationMetrics, "expired">;
  readonly options: Pick<ReplicationOptions, "expiringMax">;
  /** Rejects with `ReplicationError`. */
  readonly execute: (operation: Expire) => Promise<Outcome>;
  /** It leads, and knows the newest record of every key. */
  readonly mayGoOn: () => boolean;
  /** Called when the own replica has a record that cannot be read. */
  readonly unreadable: () => void;
}

export class Expiry {
  readonly #parts: ExpiryParts;
  #running = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** Deletes all whose time is over, some at once. Never two runs at once. */
  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      // Each round deletes something, so that it comes to its end.
      while (await this.#round());
    } finally {
      this.#running = false;
    }
  }

  /** Whether there is more to do, and something could be done: the rest waits for the next run. */
  async #round(): Promise<boolean> {
    const { replica, wallClock, options, mayGoOn } = this.#parts;
    if (!mayGoOn()) return false;
    const keys = replica.expired(wallClock.now(), options.expiringMax);
    const done = await Promise.all(keys.map((key) => this.#expire(key)));
    return done.includes(true);
  }

  async #expire(key: string): Promise<boolean> {
    const { execute, metrics } = this.#parts;
    const version = this.#versionOf(key);
    if (version === null) return false;
    try {
      const outcome = await execute({ type: "expire", key: { text: key }, version });
      if (outcome.type !== "deleted") return false;
      metrics.expired();
      return true;
    } catch (error) {
      // It could not be done now, or whoever leads next finds it done or does it.
      if (error instanceof ReplicationError) return false;
      throw error;
    }
  }

  #versionOf(key: string): string | null {
    try {
      return this.#parts.replica.held(key)?.state.version ?? null;
    } catch {
      this.#parts.unreadable();
      return null;
    }
  }
}
