/**
 * The objects of one kind as last seen, indexed by the ring they belong to.
 *
 * Invariant: a version of an object never gives way to an older one. That lets a write put its own
 * answer into the store, so that the next reconciliation reads what the last one wrote, even if the
 * watch still lags behind.
 */
import { RING_LABEL } from "../api/chordring.ts";
import { type KubeObject, keyText, type ObjectKey } from "./kinds.ts";

function versionOf(object: KubeObject): bigint {
  const text = object.metadata.resourceVersion ?? "0";
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

function keyOf(object: KubeObject): string {
  return keyText({ namespace: object.metadata.namespace ?? "", name: object.metadata.name });
}

function ringOf(object: KubeObject): string | undefined {
  const name = object.metadata.labels?.[RING_LABEL];
  return name === undefined ? undefined : `${object.metadata.namespace ?? ""}/${name}`;
}

export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #byRing = new Map<string, Set<string>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  /** The objects that carry the label of this ring. */
  ofRing(ring: ObjectKey): T[] {
    const keys = this.#byRing.get(keyText(ring)) ?? new Set<string>();
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Takes in an object; returns false when the store already had this version or a newer one. */
  put(object: T): boolean {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before && versionOf(before) >= versionOf(object)) return false;
    // Nobody here reads who owns which field, and it is a third of every object.
    const { managedFields: _managedFields, ...metadata } = object.metadata;
    this.#unindex(key, before);
    this.#objects.set(key, { ...object, metadata });
    const ring = ringOf(object);
    if (ring !== undefined) this.#index(ring, key);
    return true;
  }

  /** Drops an object, unless a newer one of the same name has come in meanwhile. */
  remove(object: T): boolean {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (!before || versionOf(before) > versionOf(object)) return false;
    this.#unindex(key, before);
    this.#objects.delete(key);
    return true;
  }

  /**
   * Takes in a complete list as of `listVersion` and returns the objects that differ from before,
   * vanished ones included. Objects written after the list was made stay.
   */
  replace(items: readonly T[], listVersion: string): T[] {
    const listed = new Set(items.map(keyOf));
    const limit = /^\d+$/.test(listVersion) ? BigInt(listVersion) : 0n;
    const vanished = [...this.#objects.values()].filter(
      (object) => !listed.has(keyOf(object)) && versionOf(object) <= limit,
    );
    for (const object of vanished) this.remove(object);
    return [...vanished, ...items.filter((object) => this.put(object))];
  }

  #index(ring: string, key: string): void {
    const keys = this.#byRing.get(ring) ?? new Set<string>();
    keys.add(key);
    this.#byRing.set(ring, keys);
  }

  #unindex(key: string, object: T | undefined): void {
    const ring = object && ringOf(object);
    const keys = ring === undefined ? undefined : this.#byRing.get(ring);
    if (ring === undefined || !keys) return;
    keys.delete(key);
    if (keys.size === 0) this.#byRing.delete(ring);
  }
}
