/**
 * Latencies in few counters: buckets grow with the value, so that each percentile is right to less
 * than one percent, and a record costs nanoseconds next to the request that it measures.
 */

/** Steps of one doubling: the width of a bucket is at most 1/128 of its values. */
const STEPS_BITS = 7;
const STEPS = 1 << STEPS_BITS;
/** Over half an hour; nothing that is measured here takes so long. */
const MICROSECONDS_MAX = 2 ** 31 - 1;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(bucketOf(MICROSECONDS_MAX) + 1);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  recordMs(latencyMs: number): void {
    const microseconds = Math.min(Math.max(Math.round(latencyMs * 1_000), 0), MICROSECONDS_MAX);
    const bucket = bucketOf(microseconds);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  /** The least latency that this share (0 to 1) of all records does not exceed; NaN without any. */
  percentileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let below = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      below += count;
      if (below >= rank) return largestOf(bucket) / 1_000;
    }
    return Number.NaN;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }
}

/** Values up to twice STEPS have a bucket each; later ones share, twice as many each doubling. */
function bucketOf(microseconds: number): number {
  const doublings = Math.max(0, 31 - Math.clz32(microseconds) - STEPS_BITS);
  return doublings * STEPS + (microseconds >> doublings);
}

/** The largest value that falls into a bucket. */
function largestOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  const doublings = (bucket >> STEPS_BITS) - 1;
  return (bucket - doublings * STEPS + 1) * 2 ** doublings - 1;
}
