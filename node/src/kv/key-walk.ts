/**
 * A listing over the whole ring: partition after partition, by place on the circle, and by the
 * bytes of the keys within each.
 *
 * Each partition's part is as of one moment while it was asked, and the parts are of different
 * moments. So a key that is there all the while is listed exactly once, and one that comes or goes
 * meanwhile may be listed or not.
 */
import type { KeyPage, KeyQuery, ListedKey } from "../replication/index.ts";

/** Where a listing goes on: in this partition, behind that key. */
export interface Place {
  readonly partition: number;
  /** Null: from its first key. */
  readonly after: string | null;
}

export interface Walk {
  readonly prefix: string;
  readonly limit: number;
  readonly from: Place;
}

/** `next` is null when nothing is left. */
export interface Listed {
  readonly keys: readonly ListedKey[];
  readonly next: Place | null;
}

export interface KeySource {
  /** Of the ring; 0 while that is not known. */
  readonly partitions: number;
  readonly page: (partition: number, query: KeyQuery) => Promise<KeyPage>;
}

/** Partitions asked at once: the more, the fewer keys the ones before had. */
const WIDTH_MAX = 32;

/** Up to `limit` keys. */
export async function walkKeys(source: KeySource, { prefix, limit, from }: Walk): Promise<Listed> {
  const keys: ListedKey[] = [];
  let next: Place | null = from;
  for (
    let width = 1;
    next !== null && keys.length < limit;
    width = Math.min(WIDTH_MAX, 2 * width)
  ) {
    const { partition, after }: Place = next;
    const end = Math.min(source.partitions, partition + width);
    const places = Array.from({ length: end - partition }, (_, index): Place => {
      return { partition: partition + index, after: index === 0 ? after : null };
    });
    const room = limit - keys.length;
    const pages = await Promise.all(
      places.map((place) =>
        source.page(place.partition, { prefix, after: place.after, limit: room }),
      ),
    );
    next = take(keys, { places, pages, limit, partitions: source.partitions });
  }
  return { keys, next };
}

interface Answers {
  readonly places: readonly Place[];
  readonly pages: readonly KeyPage[];
  readonly limit: number;
  readonly partitions: number;
}

/** Adds what there is room for, in order; answers where to go on. */
function take(keys: ListedKey[], { places, pages, limit, partitions }: Answers): Place | null {
  for (const [index, page] of pages.entries()) {
    const place = places[index] as Place;
    const room = limit - keys.length;
    if (room === 0) return place;
    keys.push(...page.keys.slice(0, room));
    const { partition } = place;
    if (page.keys.length > room) return { partition, after: keys.at(-1)?.key ?? null };
    if (page.after !== null) return { partition, after: page.after };
  }
  const partition = (places.at(-1)?.partition ?? partitions) + 1;
  return partition < partitions ? { partition, after: null } : null;
}
