/**
 * Which of a replica's values expire, the one that expires first in front: a binary heap that knows
 * where each key stands, so that a key which is written again leaves nothing behind.
 *
 * It lies in memory, about 150 bytes for each value that expires and nothing for others. In the
 * file it would cost each such write two pages more; to fill it costs little where all records are
 * counted anyway.
 */
interface Expiry {
  readonly key: string;
  readonly expiresMs: number;
}

export class ExpiryQueue {
  /** The children of the place n are 2n + 1 and 2n + 2; none expires before its parent. */
  readonly #heap: Expiry[] = [];
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#heap.length;
  }

  /** The key's value expires then; undefined or null if it does not, or there is none. */
  set(key: string, expiresMs: number | null | undefined): void {
    const place = this.#places.get(key);
    if (place !== undefined) this.#remove(place);
    if (expiresMs === undefined || expiresMs === null) return;
    this.#heap.push({ key, expiresMs });
    this.#rise(this.#heap.length - 1);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#places.clear();
  }

  /** Keys whose time is over, as many as asked for at most, in no order. They stay in the queue. */
  over(nowMs: number, limit: number): readonly string[] {
    const keys: string[] = [];
    const waiting = [0];
    // Below one whose time is not over nobody's is.
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const expiry = this.#heap[place];
      if (expiry === undefined || expiry.expiresMs > nowMs) continue;
      if (keys.length === limit) break;
      keys.push(expiry.key);
      waiting.push(2 * place + 2, 2 * place + 1);
    }
    return keys;
  }

  #remove(place: number): void {
    const removed = this.#heap[place] as Expiry;
    const last = this.#heap.pop() as Expiry;
    this.#places.delete(removed.key);
    if (last === removed) return;
    this.#put(last, place);
    this.#rise(place);
    this.#sink(this.#places.get(last.key) as number);
  }

  #put(expiry: Expiry, place: number): void {
    this.#heap[place] = expiry;
    this.#places.set(expiry.key, place);
  }

  #rise(from: number): void {
    const expiry = this.#heap[from] as Expiry;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as Expiry;
      if (parent.expiresMs <= expiry.expiresMs) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(expiry, place);
  }

  #sink(from: number): void {
    const expiry = this.#heap[from] as Expiry;
    let place = from;
    for (;;) {
      const below = this.#firstChild(place);
      const child = this.#heap[below];
      if (child === undefined || child.expiresMs >= expiry.expiresMs) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(expiry, place);
  }

  /** The place of the child that expires first. */
  #firstChild(place: number): number {
    const left = this.#heap[2 * place + 1];
    const right = this.#heap[2 * place + 2];
    const isRight = left !== undefined && right !== undefined && right.expiresMs < left.expiresMs;
    return 2 * place + (isRight ? 2 : 1);
  }
}
