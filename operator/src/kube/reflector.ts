/**
 * Keeps a Store equal to what the API server holds: list, then watch, for as long as it runs.
 *
 * One loop owns the whole life of a watch, so there is never a second one beside it. It survives
 * what ends watches in practice: an expired version (list again), an error (wait, list again), the
 * server closing the stream (resume), and silence, which is also what a dead connection looks like
 * (resume). Whatever slips through all that is caught by listing anew every few minutes.
 *
 * The watch only reports that something changed. What to do is decided from the state of the world,
 * so a lost, doubled or merged event changes nothing.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import { Watch } from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { OperatorMetrics, WatchEnd } from "../metrics/metrics.ts";
import type { ApiClient } from "./api-client.ts";
import { isStatus } from "./api-client.ts";
import { collectionPath, type Kind, type KubeObject } from "./kinds.ts";
import { Store } from "./store.ts";
import { backoffMs, jittered, pause } from "./timing.ts";

export interface ReflectorTiming {
  /** A watch without a sign of life for this long is restarted. */
  silenceMs: number;
  /** Everything is listed anew this often, give or take a fifth. */
  relistMs: number;
  /** The pause before resuming a watch that ended without having said anything. */
  emptyPauseMs: number;
  backoffBaseMs: number;
  backoffMaxMs: number;
}

export const REFLECTOR_TIMING: ReflectorTiming = {
  silenceMs: 30_000,
  relistMs: 600_000,
  emptyPauseMs: 500,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
};

export interface ReflectorPorts {
  config: KubeConfig;
  client: ApiClient;
  metrics: OperatorMetrics;
  log: Logger;
}

export interface ReflectorOptions<T> {
  kind: Kind;
  labelSelector?: string;
  /** Called after the store has taken the object in. */
  onChange: (object: T) => void;
  timing?: Partial<ReflectorTiming>;
}

interface Session {
  end: WatchEnd;
  events: number;
}

interface RawEvent {
  type: string;
  object: unknown;
}

interface StatusObject {
  code?: number;
  message?: string;
}

export class Reflector<T extends KubeObject> {
  readonly store = new Store<T>();
  readonly #ports: ReflectorPorts;
  readonly #options: ReflectorOptions<T>;
  readonly #timing: ReflectorTiming;
  readonly #watch: Watch;
  readonly #synced = Promise.withResolvers<undefined>();
  #version = "";
  #lastSignMs = Date.now();
  #started = false;

  constructor(ports: ReflectorPorts, options: ReflectorOptions<T>) {
    this.#ports = ports;
    this.#options = options;
    this.#timing = { ...REFLECTOR_TIMING, ...options.timing };
    this.#watch = new Watch(ports.config);
    ports.metrics.observeWatch(options.kind.plural, () => (Date.now() - this.#lastSignMs) / 1000);
  }

  /** Resolves after the first complete list. */
  get synced(): Promise<undefined> {
    return this.#synced.promise;
  }

  /** Milliseconds since the API server last gave a sign of life for this kind. */
  get silentMs(): number {
    return Date.now() - this.#lastSignMs;
  }

  /** Runs until `signal` fires. A reflector runs once: starting it again is a bug. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new Error(`the ${this.#options.kind.plural} reflector runs already`);
    this.#started = true;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#list();
        failures = 0;
        await this.#watchUntilRelist(signal);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#restarted("error");
        const { kind } = this.#options;
        this.#ports.log.warn({ kind: kind.kind, err: error, failures }, "Watch failed");
        const { backoffBaseMs, backoffMaxMs } = this.#timing;
        await pause(backoffMs(failures, backoffBaseMs, backoffMaxMs), signal);
      }
    }
  }

  async #list(): Promise<void> {
    const { kind, labelSelector } = this.#options;
    const { items, resourceVersion } = await this.#ports.client.list<T>(kind, labelSelector);
    this.#version = resourceVersion;
    this.#lastSignMs = Date.now();
    for (const object of this.store.replace(items, resourceVersion)) this.#report(object);
    this.#synced.resolve(undefined);
  }

  async #watchUntilRelist(signal: AbortSignal): Promise<void> {
    const relistAtMs = Date.now() + jittered(this.#timing.relistMs, 0.2);
    while (!signal.aborted && Date.now() < relistAtMs) {
      const session = await this.#watchOnce(relistAtMs, signal);
      if (signal.aborted) return;
      this.#restarted(session.end);
      if (session.end === "expired" || session.end === "relist") return;
      if (session.end === "closed" && session.events === 0) {
        await pause(jittered(this.#timing.emptyPauseMs, 0.5), signal);
      }
    }
  }

  /** One watch, from opening to whatever ends it. */
  async #watchOnce(relistAtMs: number, signal: AbortSignal): Promise<Session> {
    const { kind, labelSelector } = this.#options;
    const session: Session = { end: "closed", events: 0 };
    const ended = Promise.withResolvers<unknown>();
    const openedAtMs = Date.now();
    let lastEventMs = openedAtMs;
    const onEvent = (type: string, object: unknown): void => {
      lastEventMs = Date.now();
      session.events += 1;
      // The library swallows whatever is thrown here, so it ends the watch instead.
      try {
        this.#take({ type, object }, session);
      } catch (error) {
        ended.resolve(error);
      }
    };
    const query = {
      resourceVersion: this.#version,
      allowWatchBookmarks: true,
      labelSelector,
    };
    const { silenceMs, relistMs } = this.#timing;
    const check = (): void => {
      if (Date.now() >= relistAtMs) session.end = "relist";
      else if (Date.now() - lastEventMs >= silenceMs) session.end = "silent";
      else if (!signal.aborted) return;
      ended.resolve(undefined);
    };
    const guard = setInterval(check, Math.min(1_000, silenceMs / 4, relistMs / 4));
    signal.addEventListener("abort", check, { once: true });
    let over = false;
    const onEnd = (error: unknown): void => {
      over = true;
      ended.resolve(error);
    };
    const opening = this.#watch.watch(collectionPath(kind), query, onEvent, onEnd);
    try {
      await Promise.race([opening, ended.promise]);
      if (!over) this.#lastSignMs = Date.now();
      return this.#outcome(session, await ended.promise);
    } finally {
      clearInterval(guard);
      signal.removeEventListener("abort", check);
      // A watch that is still opening is closed as soon as it is open.
      void opening.then(
        (controller) => controller.abort(),
        () => undefined,
      );
    }
  }

  #outcome(session: Session, error: unknown): Session {
    const failed = error as { name?: string; statusCode?: number } | null | undefined;
    if (failed?.statusCode === 410 || isStatus(error, 410)) return { ...session, end: "expired" };
    if (failed?.name === "TimeoutError") return { ...session, end: "silent" };
    if (error instanceof Error) throw error;
    return session;
  }

  #take(event: RawEvent, session: Session): void {
    this.#lastSignMs = Date.now();
    if (event.type === "ERROR") {
      const status = event.object as StatusObject;
      if (status.code !== 410) throw new Error(status.message ?? "the watch reported an error");
      session.end = "expired";
      return;
    }
    const object = event.object as T;
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (event.type === "BOOKMARK") return;
    const changed = event.type === "DELETED" ? this.store.remove(object) : this.store.put(object);
    if (changed) this.#report(object);
  }

  #report(object: T): void {
    try {
      this.#options.onChange(object);
    } catch (error) {
      this.#ports.log.error({ err: error, kind: this.#options.kind.kind }, "Change handler failed");
    }
  }

  #restarted(end: WatchEnd): void {
    this.#ports.metrics.watchRestarted(this.#options.kind.plural, end);
  }
}
