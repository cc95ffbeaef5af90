/**
 * A histogram of plain numbers. What prom-client's own costs per observation (hashing labels,
 * objects for each call) is paid here once per scrape; the hot path finds a bucket and adds.
 */
import type { Metric, Registry } from "prom-client";

export interface HistogramDefinition {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  /** The one label, if there is one. */
  readonly label?: string;
}

class Series {
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(buckets: number) {
    this.counts = Array.from({ length: buckets }, () => 0);
  }
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class PlainHistogram {
  readonly #definition: HistogramDefinition;
  readonly #series = new Map<string, Series>();

  /** `values` of the label get their series at once, so that a rate has a beginning. */
  constructor(definition: HistogramDefinition, registry: Registry, values: readonly string[]) {
    this.#definition = definition;
    for (const value of values) this.#of(value);
    const { name, help } = definition;
    const get = (): Promise<unknown> => Promise.resolve(this.#collect());
    // The registry asks for no more than this of a metric.
    const metric = { name, help, type: "histogram", get };
    registry.registerMetric(metric as unknown as Metric);
  }

  observe(label: string, value: number): void {
    const series = this.#of(label);
    const { buckets } = this.#definition;
    series.sum += value;
    series.count += 1;
    for (let index = 0; index < buckets.length; index += 1) {
      if (value <= (buckets[index] ?? 0)) {
        series.counts[index] = (series.counts[index] ?? 0) + 1;
        return;
      }
    }
  }

  #of(label: string): Series {
    let series = this.#series.get(label);
    if (series === undefined) {
      series = new Series(this.#definition.buckets.length);
      this.#series.set(label, series);
    }
    return series;
  }

  #collect(): unknown {
    const { name, help } = this.#definition;
    const values = [...this.#series].flatMap(([label, series]) => this.#samples(label, series));
    return { name, help, type: "histogram", values, aggregator: "sum" };
  }

  #samples(value: string, series: Series): Sample[] {
    const { name, label, buckets } = this.#definition;
    const labels = label === undefined ? {} : { [label]: value };
    let below = 0;
    const bucketSamples = buckets.map((bound, index) => {
      below += series.counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: below };
    });
    return [
      ...bucketSamples,
      { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: series.count },
      { metricName: `${name}_sum`, labels, value: series.sum },
      { metricName: `${name}_count`, labels, value: series.count },
    ];
  }
}
