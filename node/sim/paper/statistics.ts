/**
 * Counts of small whole numbers (hops, timeouts) and sums of measurements: means, percentiles and
 * confidence intervals, kept without the single values so that millions of lookups fit.
 */

/** A histogram of whole numbers from 0 on. */
export class Histogram {
  readonly #counts: number[] = [];
  #count = 0;
  #sum = 0;
  #squares = 0;

  add(value: number): void {
    this.#counts[value] = (this.#counts[value] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    this.#squares += value * value;
  }

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get max(): number {
    return Math.max(0, this.#counts.length - 1);
  }

  /** Half the width of the 95 % confidence interval of the mean, if the values are independent. */
  get halfWidth(): number {
    const variance = this.#squares / this.#count - this.mean ** 2;
    return 1.96 * Math.sqrt(Math.max(0, variance) / this.#count);
  }

  /** The smallest value that at least this fraction of all values does not exceed. */
  percentile(fraction: number): number {
    let seen = 0;
    for (let value = 0; value < this.#counts.length; value++) {
      seen += this.#counts[value] ?? 0;
      if (seen >= fraction * this.#count) return value;
    }
    return this.max;
  }

  /** The fraction of values equal to this one. */
  share(value: number): number {
    return (this.#counts[value] ?? 0) / this.#count;
  }
}

/** Mean (p1,p99), as the papers' tables give counts. */
export function showCounts(counts: Histogram): string {
  return `${counts.mean.toFixed(2)} (${counts.percentile(0.01)},${counts.percentile(0.99)})`;
}

/** The gate of every comparison with the model: the mean within 3 %. */
export function nearMean(ours: Histogram, model: Histogram): boolean {
  return Math.abs(ours.mean - model.mean) <= 0.03 * model.mean;
}

/** And the 99th percentile within one. */
export function nearTail(ours: Histogram, model: Histogram): boolean {
  return Math.abs(ours.percentile(0.99) - model.percentile(0.99)) <= 1;
}

export interface Interval {
  readonly mean: number;
  /** Half the width of the 95 % confidence interval of the mean. */
  readonly halfWidth: number;
}

/** Student's t at 97.5 % for 1, 2, 3 … degrees of freedom; the normal value beyond the table. */
const student = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];

/** The mean of a few repeated runs, with Student's interval. */
export function interval(values: readonly number[]): Interval {
  const mean = average(values);
  if (values.length < 2) return { mean, halfWidth: 0 };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  const t = student[values.length - 2] ?? 2;
  return { mean, halfWidth: (t * deviation) / Math.sqrt(values.length) };
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** The value below which this fraction of an ascending list lies. */
export function quantile(ascending: ArrayLike<number>, fraction: number): number {
  const index = Math.ceil(fraction * ascending.length) - 1;
  return ascending[Math.max(0, Math.min(ascending.length - 1, index))] ?? 0;
}

/** 95 % interval of a proportion (Wilson), which stays sensible at zero of many. */
export function proportionBounds(hits: number, count: number): { low: number; high: number } {
  const z = 1.96;
  const share = hits / count;
  const centre = share + (z * z) / (2 * count);
  const spread = z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  const scale = 1 + (z * z) / count;
  return { low: (centre - spread) / scale, high: (centre + spread) / scale };
}
