/**
 * What clients did to one key, and what became of it: every state that a leader ever made, with the
 * one that it replaced, as a tree. In a sound system all that clients ever see lies on one path of
 * it, from the beginning to what the key holds at last.
 */
import type { Held, Operation, Outcome, Stamp } from "../../src/replication/index.ts";
import type { KeyState } from "../../src/replication/record.ts";
import { type Oracle, OracleError } from "./oracle-error.ts";

/** A state of the key; null stands for the one before all writes. */
export interface Version {
  readonly name: string;
  readonly base: Version | null;
  readonly depth: number;
  readonly epoch: number;
  readonly state: KeyState;
  /** The call of a client that it comes from, or the version that it deletes for its age. */
  readonly call: string;
  /** No client asked for it: the value that it replaces had a time to live. */
  readonly expired: boolean;
  /** It is there for the key's fence alone, which was raised before there was any value. */
  readonly fenced: boolean;
  /** When it was made, in moments of all clients. */
  readonly moment: number;
  /** The latest delete that was forgotten by then, with the ids of all requests before it. */
  readonly forgotten: Version | null;
}

/** One call of a client with all its repetitions. */
export interface Call {
  readonly id: string;
  readonly operation: Operation;
  /** When it began and ended, in moments of all clients. */
  readonly begin: number;
  end: number;
  /** What clients knew when it began: it must not fall behind that. */
  readonly floor: Version | null;
  outcome: Outcome | "failed" | "unknown";
}

/** A replica had this state on its disk while it was in a view. */
export interface Trace {
  readonly incarnation: string;
  readonly version: Version;
  readonly epoch: number;
  readonly sealed: boolean;
}

export function isAncestor(one: Version | null, of: Version | null): boolean {
  let other = of;
  while (other !== null && other.depth > (one?.depth ?? 0)) other = other.base;
  return other === one;
}

export function isPresent(version: Version | null): version is Version {
  return version !== null && version.state.content !== null;
}

/** What came after `older` up to `newer`; nothing if that is no later state of it. */
function replacedBetween(older: Version, newer: Version | null): Version[] {
  if (!isAncestor(older, newer)) return [];
  const between: Version[] = [];
  for (let one = newer; one !== null && one !== older; one = one.base) between.push(one);
  return between;
}

const text = new TextDecoder();

/** The id of the client's call, from what the system keeps of it. */
export function callOf(state: KeyState): string {
  if (state.content !== null) return text.decode(state.content.bytes);
  return state.answered[0]?.id ?? "a delete without an id";
}

/** A client's delete has an id that its state remembers first. */
function isExpiry(state: KeyState, before: KeyState | undefined): boolean {
  if (state.content !== null || before === undefined) return false;
  return state.answered[0]?.id === before.answered[0]?.id;
}

/** Where there was nothing, a client can delete nothing. */
function isFence(state: KeyState, before: KeyState | undefined): boolean {
  return state.content === null && before === undefined && state.fence !== undefined;
}

export class KeyHistory {
  readonly key: string;
  readonly calls: Call[] = [];
  /** The present moment of all clients. */
  moment = 0;
  readonly traces: Trace[] = [];
  /** The latest state that a client knows of, now and when each view was decided. */
  observed: Version | null = null;
  readonly observedAt = new Map<number, Version | null>();
  /** The latest delete that was forgotten: where there is no record, it stands for one. */
  forgotten: Version | null = null;
  readonly #versions = new Map<string, Version>();

  constructor(key: string) {
    this.key = key;
  }

  get versions(): Iterable<Version> {
    return this.#versions.values();
  }

  /** The version by its name; null for a name that nobody gave. */
  named(name: string | undefined): Version | null {
    return name === undefined ? null : (this.#versions.get(name) ?? null);
  }

  /** What a disk has of the key, from its record there. */
  versionOf(held: Held | undefined): Version | null {
    return held === undefined ? this.forgotten : this.named(held.state.version);
  }

  /**
   * D3. A replica takes a record: the first to do so is the leader that made it. The version if
   * that is so now, else null.
   */
  kept(state: KeyState, stamp: Stamp, before: KeyState | undefined): Version | null {
    const name = state.version;
    const known = this.#versions.get(name);
    if (known !== undefined) {
      this.#checkSame(known.state, state);
      return null;
    }
    if (name !== `${stamp.epoch}-${stamp.ballot}-${stamp.count}`) {
      throw this.broken("D3", `nobody made version ${name}`);
    }
    const base = before === undefined ? this.forgotten : this.named(before.version);
    const { epoch } = stamp;
    const depth = (base?.depth ?? 0) + 1;
    const expired = isExpiry(state, before);
    const fenced = isFence(state, before);
    const call = this.#askedBy(state, { name, base, expired, fenced });
    const { moment, forgotten } = this;
    const made = { name, base, depth, epoch, state, call, expired, fenced };
    const version: Version = { ...made, moment, forgotten };
    this.#versions.set(name, version);
    return version;
  }

  /** A delete leaves no trace on some disk from now on. */
  forget(version: Version): void {
    if (version.depth > (this.forgotten?.depth ?? 0)) this.forgotten = version;
  }

  #askedBy(
    state: KeyState,
    { name, base, expired, fenced }: Pick<Version, "name" | "base" | "expired" | "fenced">,
  ): string {
    if (expired) return `the expiry of ${base?.name}`;
    return fenced ? `the fence ${name}` : callOf(state);
  }

  #checkSame(one: KeyState, other: KeyState): void {
    if (one === other) return;
    if (callOf(one) !== callOf(other)) {
      throw this.broken("D3", `two values of version ${one.version}`);
    }
    if (one.content?.expiresMs !== other.content?.expiresMs) {
      throw this.broken("E2", `a copy of ${one.version} expires at another time`);
    }
  }

  /** E1 and E2, when its leader makes a version. `nowMs` is that leader's wall clock. */
  checkTime(version: Version, nowMs: number): void {
    if (version.expired) this.#checkDue(version, nowMs);
    else if (isPresent(version)) this.#checkStamped(version, nowMs);
  }

  #checkDue({ base }: Version, nowMs: number): void {
    const dueMs = base?.state.content?.expiresMs ?? Number.POSITIVE_INFINITY;
    if (dueMs <= nowMs) return;
    throw this.broken("E1", `${base?.name} was deleted at ${nowMs}, its time was ${dueMs}`);
  }

  #checkStamped({ state, call, name }: Version, nowMs: number): void {
    const asked = this.calls.find(({ id }) => id === call)?.operation;
    if (asked?.type !== "put") return;
    const { ttlSeconds } = asked;
    const expiresMs = ttlSeconds === undefined ? undefined : nowMs + 1_000 * ttlSeconds;
    if (state.content?.expiresMs === expiresMs) return;
    throw this.broken("E2", `${name} expires at ${state.content?.expiresMs}, not ${expiresMs}`);
  }

  /** A client learns that the key has, or had, this state: nobody may have seen another history. */
  observe(version: Version): void {
    if (isAncestor(this.observed, version)) this.observed = version;
    else if (!isAncestor(version, this.observed)) {
      const other = this.observed?.name;
      const saw = `clients saw ${version.name} and ${other}`;
      throw this.broken("D4", `${saw}, neither of which replaced the other`);
    }
  }

  /** D2 and D5 as far as they can be told at once: nothing older than what was known before. */
  checkFresh({ id, floor }: Call, version: Version): void {
    if (isAncestor(floor, version)) return;
    const deleted = replacedBetween(version, floor).some((one) => !isPresent(one));
    if (deleted) throw this.broken("D5", `${id} saw ${version.name} after its delete`);
    throw this.broken("D2", `${id} saw ${version.name}, ${floor?.name} was known before`);
  }

  /** The same for who found nothing: some delete must be the reason. */
  checkGone({ id, floor }: Call): void {
    if (!isPresent(floor)) return;
    const deleted = [...this.versions].some((one) => !isPresent(one) && isAncestor(floor, one));
    if (!deleted) throw this.broken("D2", `${id} found nothing, ${floor.name} was known before`);
  }

  broken(oracle: Oracle, problem: string): OracleError {
    return new OracleError(oracle, `${this.key}: ${problem}`);
  }
}
