/**
 * Leader election on a Lease: of several operators only the holder works.
 *
 * Clocks of different machines are never compared. A candidate takes over once it has itself
 * watched the same record stay unchanged for the record's whole duration. The holder gives up by
 * itself well before that, so that two never work at once; whoever loses must end its process,
 * because work already under way cannot be called back.
 */
import { V1MicroTime } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { type ApiClient, isStatus } from "./api-client.ts";
import { KINDS, type KubeObject, type ObjectKey } from "./kinds.ts";
import { jittered, pause } from "./timing.ts";

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export interface LeaderElectorOptions {
  lease: ObjectKey;
  /** Must differ between any two processes that ever live at the same time. */
  identity: string;
  /** How long a record must stay unchanged before another candidate takes over. */
  leaseDurationMs?: number;
  /** How long the holder keeps trying to renew before it gives up; below the duration. */
  renewDeadlineMs?: number;
  retryPeriodMs?: number;
}

interface Observation {
  version: string;
  sinceMs: number;
}

/** The API server takes six digits after the second; a Date would write three. */
function now(): string {
  return new V1MicroTime().toISOString();
}

export class LeaderElector {
  readonly #client: ApiClient;
  readonly #log: Logger;
  readonly #options: Required<LeaderElectorOptions>;
  #observed: Observation = { version: "", sinceMs: 0 };
  #held: Lease | undefined;

  constructor(client: ApiClient, log: Logger, options: LeaderElectorOptions) {
    this.#client = client;
    this.#log = log;
    this.#options = {
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      ...options,
    };
  }

  /** Waits until this process holds the lease; returns false when `signal` fired first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        if (await this.#tryAcquire()) return true;
      } catch (error) {
        this.#log.warn({ err: error }, "Lease could not be read or written");
      }
      await pause(jittered(this.#options.retryPeriodMs, 0.2), signal);
    }
    return false;
  }

  /** Renews the lease until `signal` fires (resolves) or the lease is lost (rejects). */
  async hold(signal: AbortSignal): Promise<void> {
    let renewedMs = Date.now();
    while (!signal.aborted) {
      await pause(this.#options.retryPeriodMs, signal);
      if (signal.aborted) return;
      try {
        await this.#renew();
        renewedMs = Date.now();
      } catch (error) {
        this.#log.warn({ err: error }, "Lease could not be renewed");
        if (error instanceof LeaseTaken) throw error;
      }
      if (Date.now() - renewedMs > this.#options.renewDeadlineMs) {
        throw new Error(`the lease was not renewed for ${this.#options.renewDeadlineMs} ms`);
      }
    }
  }

  /** Lets go of the lease, so that a successor need not wait for it to run out. */
  async release(): Promise<void> {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    const spec = { ...held.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now() };
    await this.#client.replace(KINDS.lease, this.#options.lease, { ...held, spec });
  }

  async #tryAcquire(): Promise<boolean> {
    const found = await this.#client.get<Lease>(KINDS.lease, this.#options.lease);
    if (found && !this.#mayTake(found)) return false;
    try {
      this.#held = await this.#write(found);
      return true;
    } catch (error) {
      // Another candidate was quicker.
      if (isStatus(error, 409)) return false;
      throw error;
    }
  }

  #mayTake(found: Lease): boolean {
    const holder = found.spec?.holderIdentity ?? "";
    return holder === "" || holder === this.#options.identity || this.#expired(found);
  }

  #expired(found: Lease): boolean {
    const version = found.metadata.resourceVersion ?? "";
    if (version !== this.#observed.version) {
      this.#observed = { version, sinceMs: Date.now() };
      return false;
    }
    const durationMs = (found.spec?.leaseDurationSeconds ?? 0) * 1_000;
    return Date.now() - this.#observed.sinceMs > Math.max(durationMs, 1_000);
  }

  async #write(found: Lease | undefined): Promise<Lease> {
    const { lease: key, identity, leaseDurationMs } = this.#options;
    const before = found?.spec?.leaseTransitions ?? -1;
    const changesHands = found?.spec?.holderIdentity !== identity;
    const time = now();
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1_000),
      acquireTime: time,
      renewTime: time,
      leaseTransitions: changesHands ? before + 1 : before,
    };
    if (found) return this.#client.replace(KINDS.lease, key, { ...found, spec });
    const { apiVersion, kind } = KINDS.lease;
    return this.#client.create<Lease>(KINDS.lease, { apiVersion, kind, metadata: key, spec });
  }

  async #renew(): Promise<void> {
    const held = this.#held;
    if (!held) throw new LeaseTaken("the lease is not held");
    const spec = { ...held.spec, renewTime: now() };
    try {
      this.#held = await this.#client.replace(KINDS.lease, this.#options.lease, { ...held, spec });
    } catch (error) {
      if (!isStatus(error, 404, 409)) throw error;
      await this.#reread();
    }
  }

  /** Somebody else touched the lease: go on if it still names us, else it is lost. */
  async #reread(): Promise<void> {
    const found = await this.#client.get<Lease>(KINDS.lease, this.#options.lease);
    if (found?.spec?.holderIdentity !== this.#options.identity) {
      const holder = found?.spec?.holderIdentity || "nobody";
      throw new LeaseTaken(`the lease is held by ${holder} now`);
    }
    this.#held = found;
  }
}

/** Somebody else holds the lease: there is nothing to retry. */
class LeaseTaken extends Error {}
