/**
 * D2: whether the history of one key is linearizable. The order of the writes is not searched for:
 * it is known, since every state of the key tells which one it replaced. What is left is to find a
 * moment for each write, in that order, such that every call happened between its begin and its end
 * and read what was there. The earliest possible moments are found in one pass; they exist if and
 * only if the history is linearizable in that order.
 *
 * Only reads that found nothing leave a choice, as every delete may explain them. Of those that are
 * not too late the last one asks least of the writes after it.
 */
import type { Outcome, Preconditions, Versions } from "../../src/replication/index.ts";
import { type Call, isPresent, type KeyHistory, type Version } from "./history.ts";
import { OracleError } from "./oracle-error.ts";

interface Interval {
  readonly begin: number;
  readonly end: number;
}

/** Throws unless the calls fit the path from the beginning to `last`. */
export function checkLinearizable(history: KeyHistory, last: Version | null): void {
  new Check(history, last).run();
}

class Check {
  readonly #history: KeyHistory;
  /** The states of the key one after the other; null at 0, before all writes. */
  readonly #path: (Version | null)[] = [null];
  readonly #places = new Map<string, number>();
  readonly #placesOfCalls = new Map<string, number>();
  /** Of the write at each place: not before, and not after. */
  readonly #earliest: number[];
  readonly #latest: number[];
  readonly #absent: Interval[] = [];
  /** What came of calls besides what they were told. */
  readonly #again: { readonly call: Call; readonly place: number }[] = [];

  constructor(history: KeyHistory, last: Version | null) {
    this.#history = history;
    for (let one = last; one !== null; one = one.base) this.#path.splice(1, 0, one);
    for (const [place, version] of this.#path.entries()) {
      if (version === null) continue;
      this.#places.set(version.name, place);
      this.#addPlace(version, place);
    }
    this.#earliest = this.#path.map(() => Number.NEGATIVE_INFINITY);
    this.#latest = this.#path.map(() => Number.POSITIVE_INFINITY);
  }

  /** A request whose id is forgotten with a delete is a new one, should it come once more. */
  #addPlace({ call, forgotten, moment }: Version, place: number): void {
    const earlier = this.#placesOfCalls.get(call);
    if (earlier === undefined) {
      this.#placesOfCalls.set(call, place);
      return;
    }
    if ((this.#path[earlier]?.depth ?? 0) > (forgotten?.depth ?? 0)) {
      throw this.#broken(`${call} twice`);
    }
    const asked = this.#history.calls.find(({ id }) => id === call);
    if (asked === undefined) return;
    const answered = moment <= asked.end ? place : earlier;
    this.#placesOfCalls.set(call, answered);
    this.#again.push({ call: asked, place: answered === place ? earlier : place });
  }

  run(): void {
    const known = new Set(this.#history.calls.map(({ id }) => id));
    for (const [place, version] of this.#path.entries()) {
      if (version === null) continue;
      // What no client asked for may happen at any moment from when it was made.
      if (version.expired || version.fenced) this.#notBefore(place, version.moment);
      else if (!known.has(version.call)) throw this.#broken(`nobody asked for ${version.call}`);
    }
    for (const call of this.#history.calls) this.#place(call);
    for (const { call, place } of this.#again) {
      this.#placeWrite({ ...call, outcome: "unknown" }, place);
    }
    let moved = true;
    while (moved) moved = this.#push();
  }

  // --- what a call says -------------------------------------------------------------------------

  #place(call: Call): void {
    const { outcome, operation, id } = call;
    const place = this.#placesOfCalls.get(id);
    if (typeof outcome === "string") this.#placeUnanswered(call, place);
    else if (outcome.type === "stored" || outcome.type === "deleted") {
      if (place === undefined) throw this.#broken(`${id}, acknowledged, never happened`);
      this.#placeWrite(call, place);
      this.#checkOutcome(call, outcome, place);
    } else {
      if (place !== undefined) throw this.#broken(`${id} happened, and was told ${outcome.type}`);
      this.#placeRead(call, outcome);
      if (operation.type === "get") this.#checkValue(call, outcome);
    }
  }

  #placeUnanswered(call: Call, place: number | undefined): void {
    if (place === undefined) return;
    if (call.outcome === "failed") {
      throw this.#broken(`${call.id} happened, though it was told that nothing did`);
    }
    this.#placeWrite(call, place);
  }

  #placeWrite({ id, operation, begin, end, outcome }: Call, place: number): void {
    this.#notBefore(place, begin);
    if (outcome !== "unknown") this.#notAfter(place, end);
    if (!holds(operation.preconditions, this.#presentAt(place - 1))) {
      throw this.#broken(`${id} happened against its precondition`);
    }
  }

  #checkOutcome({ id }: Call, outcome: Outcome, place: number): void {
    const replaced = this.#presentAt(place - 1) !== null;
    const version = this.#path[place] as Version;
    if (outcome.type === "deleted") {
      if (!replaced || isPresent(version)) throw this.#broken(`${id} deleted nothing`);
    } else if (outcome.type === "stored") {
      if (outcome.version !== version.name) throw this.#broken(`${id} made ${version.name}`);
      if (outcome.created === replaced) throw this.#broken(`${id}: wrong about what it replaced`);
    }
  }

  #placeRead({ id, operation, begin, end }: Call, outcome: Outcome): void {
    const present = versionIn(outcome);
    if (outcome.type === "precondition-failed" && holds(operation.preconditions, present)) {
      throw this.#broken(`${id} was refused for a precondition that held`);
    }
    if (present === null) {
      this.#absent.push({ begin, end });
      return;
    }
    const place = this.#places.get(present);
    if (place === undefined) throw this.#broken(`${id} saw ${present}, which never was`);
    if (!isPresent(this.#path[place] ?? null)) throw this.#broken(`${id} saw a delete's version`);
    this.#notAfter(place, end);
    this.#notBefore(place + 1, begin);
  }

  #checkValue({ id }: Call, outcome: Outcome): void {
    if (outcome.type !== "value") return;
    const { state } = this.#path[this.#places.get(outcome.version) as number] as Version;
    const text = new TextDecoder().decode(state.content?.bytes);
    const seen = new TextDecoder().decode(outcome.bytes);
    if (outcome.length !== text.length || (seen !== "" && seen !== text)) {
      throw this.#broken(`${id} saw another value than was written`);
    }
  }

  // --- moments ----------------------------------------------------------------------------------

  #notBefore(place: number, begin: number): boolean {
    const known = this.#earliest[place];
    if (known === undefined || known >= begin) return false;
    this.#earliest[place] = begin;
    return true;
  }

  #notAfter(place: number, end: number): void {
    this.#latest[place] = Math.min(this.#latest[place] as number, end);
  }

  #checkMoments(): void {
    for (let place = 1; place < this.#path.length; place += 1) {
      this.#notBefore(place, this.#earliest[place - 1] as number);
      if ((this.#earliest[place] as number) <= (this.#latest[place] as number)) continue;
      const { name, call } = this.#path[place] as Version;
      throw this.#broken(`${name} of ${call} came too late for who saw it, or what came before it`);
    }
  }

  /** Finds a place for each read that found nothing. True if that moved a write. */
  #push(): boolean {
    this.#checkMoments();
    let moved = false;
    for (const { begin, end } of this.#absent) {
      const place = this.#path.findLastIndex(
        (version, index) => !isPresent(version) && (this.#earliest[index] as number) <= end,
      );
      if (place < 0) throw this.#broken("a value was not found that was there");
      moved = this.#notBefore(place + 1, begin) || moved;
    }
    return moved;
  }

  #presentAt(place: number): string | null {
    const version = this.#path[place] ?? null;
    return isPresent(version) ? version.name : null;
  }

  #broken(problem: string): OracleError {
    return new OracleError("D2", `${this.#history.key}: ${problem}`);
  }
}

/** The version that an outcome names as being there; null for none. */
function versionIn(outcome: Outcome): string | null {
  return "version" in outcome ? outcome.version : null;
}

/** RFC 9110 said once more: this is no place to use the code under test. */
function holds({ ifMatch, ifNoneMatch }: Preconditions, present: string | null): boolean {
  const named = (versions: Versions): boolean =>
    present !== null && (versions === "*" || versions.includes(present));
  return (ifMatch === undefined || named(ifMatch)) && !(ifNoneMatch && named(ifNoneMatch));
}
