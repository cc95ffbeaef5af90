/**
 * Every series the operator shows, in one table. Labels are kinds and states, never ring names, so
 * the number of series does not grow with the cluster.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export type WatchEnd = "closed" | "silent" | "expired" | "error" | "relist";
export type ReconcileResult = "success" | "waiting" | "refused" | "error";
export type RingState = (typeof RING_STATES)[number];
export type DataState = (typeof DATA_STATES)[number];

/** Where a ring's data is, with the counts that could be found out. */
export interface RingData {
  state: DataState;
  degradedPartitions?: number;
  misplacedPartitions?: number;
  leaderlessPartitions?: number;
}

const RECONCILE_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const RING_STATES = ["converged", "progressing", "degraded"] as const;
/** All copies in place; on their way; some missing; not known, or not in partitions yet. */
const DATA_STATES = ["placed", "moving", "lacking", "unknown"] as const;

function watchAgeGauge(ages: ReadonlyMap<string, () => number>): Gauge {
  return new Gauge({
    name: "chordring_watch_last_event_seconds",
    help: "Seconds since the API server last gave a sign of life for a kind",
    labelNames: ["kind"],
    registers: [],
    collect() {
      for (const [kind, age] of ages) this.set({ kind }, age());
    },
  });
}

function ringsGauge(states: ReadonlyMap<string, RingState>): Gauge {
  return new Gauge({
    name: "chordring_rings",
    help: "Rings, by state",
    labelNames: ["state"],
    registers: [],
    collect() {
      for (const state of RING_STATES) {
        this.set({ state }, [...states.values()].filter((value) => value === state).length);
      }
    },
  });
}

function dataRingsGauge(rings: ReadonlyMap<string, RingData>): Gauge {
  return new Gauge({
    name: "chordring_rings_data",
    help: "Rings, by the state of their data",
    labelNames: ["state"],
    registers: [],
    collect() {
      for (const state of DATA_STATES) {
        this.set({ state }, [...rings.values()].filter((data) => data.state === state).length);
      }
    },
  });
}

function partitionsGauge(rings: ReadonlyMap<string, RingData>): Gauge {
  return new Gauge({
    name: "chordring_partitions",
    help: "Partitions of all rings that are not as they should be, by what is wrong with them",
    labelNames: ["state"],
    registers: [],
    collect() {
      const sum = (of: (data: RingData) => number | undefined): number =>
        [...rings.values()].reduce((total, data) => total + (of(data) ?? 0), 0);
      this.set(
        { state: "degraded" },
        sum((data) => data.degradedPartitions),
      );
      this.set(
        { state: "misplaced" },
        sum((data) => data.misplacedPartitions),
      );
      this.set(
        { state: "leaderless" },
        sum((data) => data.leaderlessPartitions),
      );
    },
  });
}

export class OperatorMetrics {
  readonly registry = new Registry();
  readonly #reconciles: Counter;
  readonly #duration: Histogram;
  readonly #depth: Gauge;
  readonly #watchRestarts: Counter;
  readonly #leader: Gauge;
  readonly #watchAges = new Map<string, () => number>();
  readonly #states = new Map<string, RingState>();
  readonly #data = new Map<string, RingData>();

  constructor() {
    const registers = [this.registry];
    this.#reconciles = new Counter({
      name: "chordring_reconcile_total",
      help: "Reconciliations of a ring, by how they ended",
      labelNames: ["result"],
      registers,
    });
    this.#duration = new Histogram({
      name: "chordring_reconcile_duration_seconds",
      help: "Duration of a reconciliation",
      buckets: RECONCILE_BUCKETS_SECONDS,
      registers,
    });
    this.#depth = new Gauge({
      name: "chordring_workqueue_depth",
      help: "Rings that wait for a worker",
      registers,
    });
    this.#watchRestarts = new Counter({
      name: "chordring_watch_restarts_total",
      help: "Watches that ended and were started again, by why they ended",
      labelNames: ["kind", "reason"],
      registers,
    });
    this.#leader = new Gauge({
      name: "chordring_leader",
      help: "1 while this operator holds the lease, else 0",
      registers,
    });
    this.registry.registerMetric(watchAgeGauge(this.#watchAges));
    this.registry.registerMetric(ringsGauge(this.#states));
    this.registry.registerMetric(dataRingsGauge(this.#data));
    this.registry.registerMetric(partitionsGauge(this.#data));
    this.#leader.set(0);
    this.#depth.set(0);
    collectDefaultMetrics({ register: this.registry });
  }

  reconciled(result: ReconcileResult, seconds: number): void {
    this.#reconciles.inc({ result });
    this.#duration.observe(seconds);
  }

  queueDepth(depth: number): void {
    this.#depth.set(depth);
  }

  observeWatch(kind: string, ageSeconds: () => number): void {
    this.#watchAges.set(kind, ageSeconds);
  }

  watchRestarted(kind: string, reason: WatchEnd): void {
    this.#watchRestarts.inc({ kind, reason });
  }

  leading(yes: boolean): void {
    this.#leader.set(yes ? 1 : 0);
  }

  ringState(key: string, state: RingState): void {
    this.#states.set(key, state);
  }

  ringData(key: string, data: RingData): void {
    this.#data.set(key, data);
  }

  ringGone(key: string): void {
    this.#states.delete(key);
    this.#data.delete(key);
  }
}
