/**
 * The Metrics port of the core, and what else a scrape shows. Everything counted on the way of a
 * request is a plain number; prom-client sees it when someone scrapes.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type {
  LookupSummary,
  Metrics,
  RequestType,
  RingView,
  StabilizeResult,
} from "../chord/index.ts";
import type { DataView, ReplicationMetrics } from "../replication/index.ts";
import { PlainHistogram } from "./histogram.ts";
import {
  counters,
  fingerResults,
  gauges,
  histograms,
  lookupModes,
  nodeStates,
  partitionCounts,
  partitionStates,
  rpcTypes,
  stabilizeResults,
} from "./series.ts";

/** What a scrape reads from the rest of the node. */
export interface MetricSources {
  readonly view: () => RingView;
  readonly data: () => DataView;
  readonly writable: () => boolean;
}

export interface BuildInfo {
  readonly version: string;
  readonly nodeVersion: string;
}

type CounterName = keyof typeof counters;
type GaugeName = keyof typeof gauges;

const LAG_RESOLUTION_MS = 20;
const SEPARATOR = "\u0000";

export class NodeMetrics implements Metrics, ReplicationMetrics {
  readonly #registry = new Registry();
  readonly #hops: PlainHistogram;
  readonly #lookupDuration: PlainHistogram;
  readonly #stabilizeDuration: PlainHistogram;
  readonly #rpcDuration: PlainHistogram;
  /** Per counter: label values joined, and how often. */
  readonly #counts: Record<CounterName, Map<string, number>>;
  readonly #startedMs = performance.now();
  #sources: MetricSources | undefined;

  constructor(build: BuildInfo) {
    const registry = this.#registry;
    this.#hops = new PlainHistogram(histograms.lookupHops, registry, lookupModes);
    this.#lookupDuration = new PlainHistogram(histograms.lookupDuration, registry, lookupModes);
    this.#stabilizeDuration = new PlainHistogram(histograms.stabilizeDuration, registry, [""]);
    this.#rpcDuration = new PlainHistogram(histograms.rpcDuration, registry, rpcTypes);
    this.#counts = {
      lookupTimeouts: this.#counter("lookupTimeouts", [""]),
      lookupFailures: this.#counter("lookupFailures", [""]),
      stabilize: this.#counter("stabilize", stabilizeResults),
      successorChanges: this.#counter("successorChanges", [""]),
      predecessorChanges: this.#counter("predecessorChanges", [""]),
      fixFingers: this.#counter("fixFingers", fingerResults),
      rpcErrors: this.#counter("rpcErrors", []),
      requests: this.#counter("requests", []),
      expiredKeys: this.#counter("expiredKeys", [""]),
      collectedChunks: this.#counter("collectedChunks", [""]),
      movedKeys: this.#counter("movedKeys", [""]),
      movedBytes: this.#counter("movedBytes", [""]),
    };
    this.#gauge("buildInfo", (gauge) => {
      gauge.set({ version: build.version, node_version: build.nodeVersion }, 1);
    });
    this.#lagGauge();
    this.#sourceGauges();
  }

  /** Gives the gauges what they show; until then they show nothing. */
  connect(sources: MetricSources): void {
    const { view, data, writable } = sources;
    this.#sources = { view: oncePerTurn(view), data: oncePerTurn(data), writable };
  }

  /** The text of a scrape, and its content type. */
  async scrape(): Promise<{ text: string; contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  lookup(summary: LookupSummary): void {
    const { mode, hops, timeouts, durationMs, found } = summary;
    if (timeouts > 0) this.#add("lookupTimeouts", "", timeouts);
    if (found) {
      this.#hops.observe(mode, hops);
      this.#lookupDuration.observe(mode, durationMs / 1_000);
    } else {
      this.#add("lookupFailures", "");
    }
  }

  stabilized(result: StabilizeResult, durationMs: number): void {
    this.#add("stabilize", result);
    this.#stabilizeDuration.observe("", durationMs / 1_000);
  }

  successorChanged(): void {
    this.#add("successorChanges", "");
  }

  predecessorChanged(): void {
    this.#add("predecessorChanges", "");
  }

  fingerFixed(result: "unchanged" | "changed" | "failed"): void {
    this.#add("fixFingers", result);
  }

  rpc(type: RequestType, durationMs: number): void {
    this.#rpcDuration.observe(type, durationMs / 1_000);
  }

  rpcFailed(type: RequestType, cause: string): void {
    this.#add("rpcErrors", type + SEPARATOR + cause);
  }

  expired(): void {
    this.#add("expiredKeys", "");
  }

  collected(): void {
    this.#add("collectedChunks", "");
  }

  moved({ keys, bytes }: { readonly keys: number; readonly bytes: number }): void {
    this.#add("movedKeys", "", keys);
    this.#add("movedBytes", "", bytes);
  }

  /** A client's request on a key was answered. */
  request(method: string, status: number): void {
    this.#add("requests", method + SEPARATOR + status);
  }

  #add(counter: CounterName, labels: string, by = 1): void {
    const counts = this.#counts[counter];
    counts.set(labels, (counts.get(labels) ?? 0) + by);
  }

  #counter(key: CounterName, values: readonly string[]): Map<string, number> {
    const { name, help, labels } = counters[key];
    const counts = new Map(values.map((value) => [value, 0]));
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: labels,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [joined, count] of counts) {
          const given = joined.split(SEPARATOR);
          counter.inc(Object.fromEntries(labels.map((label, i) => [label, given[i] ?? ""])), count);
        }
      },
    });
    return counts;
  }

  #gauge(name: GaugeName, collect: (gauge: Gauge) => void): void {
    const definition = gauges[name];
    const gauge: Gauge = new Gauge({
      name: definition.name,
      help: definition.help,
      labelNames: definition.labels,
      registers: [this.#registry],
      collect: () => collect(gauge),
    });
  }

  #lagGauge(): void {
    const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
    lag.enable();
    this.#gauge("eventLoopLag", (gauge) => {
      // The monitor measures its own period too; what is beyond it is the delay.
      const seconds = (nanoseconds: number): number =>
        Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LAG_RESOLUTION_MS / 1e3) : 0;
      gauge.set({ quantile: "0.5" }, seconds(lag.percentile(50)));
      gauge.set({ quantile: "0.99" }, seconds(lag.percentile(99)));
      gauge.set({ quantile: "1" }, seconds(lag.max));
      lag.reset();
    });
  }

  #sourceGauges(): void {
    const show = (name: GaugeName, value: (sources: MetricSources) => number): void =>
      this.#gauge(name, (gauge) => {
        if (this.#sources !== undefined) gauge.set(value(this.#sources));
      });
    show("stabilizeAge", ({ view }) => {
      const sinceMs = view().stabilizedMsAgo ?? performance.now() - this.#startedMs;
      return sinceMs / 1_000;
    });
    show("successorListLength", ({ view }) => {
      const { self, successors } = view();
      return successors.filter((node) => node.id !== self.id).length;
    });
    show("keys", ({ data }) => data().keysHeld);
    show("bytes", ({ data }) => data().bytesHeld);
    this.#dataGauges();
    show("storageWritable", ({ writable }) => Number(writable()));
    show("ringSplit", ({ view }) => Number(view().split));
    show("ringEpoch", ({ view }) => view().epoch);
    this.#gauge("nodeState", (gauge) => {
      if (this.#sources === undefined) return;
      const { state } = this.#sources.view();
      for (const one of nodeStates) gauge.set({ state: one }, Number(one === state));
    });
  }

  #dataGauges(): void {
    this.#gauge("partitions", (gauge) => {
      if (this.#sources === undefined) return;
      const data = this.#sources.data();
      for (const state of partitionStates) gauge.set({ state }, data[partitionCounts[state]]);
    });
    this.#gauge("rosterGeneration", (gauge) => {
      gauge.set(this.#sources?.data().roster?.generation ?? 0);
    });
    this.#gauge("moveKeysLeft", (gauge) => gauge.set(this.#sources?.data().keysLeft ?? 0));
    this.#gauge("moveBytesLeft", (gauge) => gauge.set(this.#sources?.data().bytesLeft ?? 0));
  }
}

/** Many gauges of a scrape show parts of one picture, and to draw it goes over all partitions. */
function oncePerTurn<T extends object>(read: () => T): () => T {
  let shown: T | undefined;
  return () => {
    if (shown === undefined) setImmediate(() => (shown = undefined));
    return (shown ??= read());
  };
}
