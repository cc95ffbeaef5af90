/**
 * Oracles of one partition: what its members have on their disks against what was decided and what
 * clients know of.
 */
import type { Held, Member, ReplicaState, View } from "../../src/replication/index.ts";
import { compareStamps } from "../../src/replication/index.ts";
import { isMember } from "../../src/replication/view.ts";
import type { Change, Platter, Stored } from "./disk.ts";
import { isAncestor, KeyHistory, type Version } from "./history.ts";
import { OracleError } from "./oracle-error.ts";
import { PartitionViews } from "./view-oracles.ts";

type Keep = Extract<Change, { type: "keep" }>;

export class PartitionOracles {
  readonly partition: number;
  readonly views: PartitionViews;
  readonly keys = new Map<string, KeyHistory>();
  /** Most of its disks are lost: no view of it can ever answer again. */
  dead = false;
  readonly #diskOf: (member: Member) => Platter | null;
  /** Each stamp with the one record that has it. */
  readonly #stamps = new Map<string, string>();

  constructor(
    partition: number,
    keys: readonly string[],
    diskOf: (member: Member) => Platter | null,
  ) {
    this.partition = partition;
    this.#diskOf = diskOf;
    this.views = new PartitionViews(partition);
    this.views.onDecided = (view) => {
      for (const history of this.keys.values()) {
        history.observedAt.set(view.epoch, history.observed);
      }
    };
    for (const key of keys) this.keys.set(key, new KeyHistory(key));
  }

  of(key: string): KeyHistory {
    const history = this.keys.get(key);
    if (history === undefined) throw this.#broken("D3", `nobody wrote a key ${key}`);
    return history;
  }

  /** A process makes a record, while its wall clock shows that time. */
  kept({ key, held }: Keep, before: Held | undefined, nowMs: number): void {
    const { epoch, ballot, count } = held.stamp;
    const stamp = `${epoch}-${ballot}-${count}`;
    const record = `${key} ${held.state.version}`;
    const known = this.#stamps.get(stamp);
    if (known === undefined) this.#stamps.set(stamp, record);
    else if (known !== record) throw this.#broken("D3", `${stamp} stamps ${known} and ${record}`);
    const history = this.of(key);
    const version = history.kept(held.state, held.stamp, before?.state);
    if (version !== null) history.checkTime(version, nowMs);
  }

  /** D9. A process removes a record; others than deletes only where nobody counts on it. */
  removed(key: string, before: Stored): void {
    const held = before.records.get(key);
    if (held === undefined || !this.#isForgetting(held, before)) return;
    const history = this.of(key);
    for (const member of before.state?.view.members ?? []) {
      const other = this.#diskOf(member)?.durable.of(this.partition).records.get(key);
      if (other === undefined || compareStamps(other.stamp, held.stamp) >= 0) continue;
      const what = `${held.state.version} is forgotten`;
      throw history.broken("D9", `${what}, and ${member.name} has ${other.state.version}`);
    }
    const version = history.named(held.state.version);
    if (version !== null) history.forget(version);
  }

  /** What was copied ahead, or is of a view long over, is dropped by who is in none since. */
  #isForgetting({ state }: Held, { state: own }: Stored): boolean {
    const { last } = this.views;
    if (state.content !== null || own === null || last === null) return false;
    return own.view.epoch > 0 && own.view.epoch >= last.epoch - 1;
  }

  // --- disks ------------------------------------------------------------------------------------

  /** A record is about to go. */
  durableRemoval({ forgotten }: Platter, stored: Stored, key: string): void {
    const held = stored.records.get(key);
    if (held !== undefined && this.#isForgetting(held, stored)) forgotten.set(key, held.stamp);
  }

  /** All records are about to go. */
  durableClearing({ forgotten }: Platter): void {
    for (const key of this.keys.keys()) forgotten.delete(key);
  }

  /** A record is about to become durable. */
  durableRecord({ incarnation, forgotten }: Platter, stored: Stored, { key, held }: Keep): void {
    const before = stored.records.get(key)?.stamp ?? forgotten.get(key) ?? null;
    if (compareStamps(held.stamp, before) < 0) {
      throw this.#broken("D7", `an older record of ${key} replaces a newer one`);
    }
    const history = this.of(key);
    const version = history.named(held.state.version);
    const { state } = stored;
    if (version === null || state === null) return;
    const { epoch } = state.view;
    const sealed = state.sealed || state.changeAccepted !== null;
    history.traces.push({ incarnation, version, epoch, sealed });
  }

  /** A replica's state is about to become durable. */
  durableState(platter: Platter, stored: Stored, after: ReplicaState): void {
    const { state: before } = stored;
    this.views.durable(platter.incarnation, before, after);
    const { view } = after;
    if (view.epoch === before?.view.epoch || !isMember(view, platter)) return;
    for (const history of this.keys.values()) this.#checkBegun(platter, view, { stored, history });
  }

  /** V4. */
  #checkBegun(
    { name, incarnation }: Platter,
    { epoch }: View,
    { stored, history }: { readonly stored: Stored; readonly history: KeyHistory },
  ): void {
    const version = versionIn(stored, history);
    const known = history.observedAt.get(epoch) ?? null;
    if (!isAncestor(known, version)) {
      const has = `${version?.name ?? "nothing"}, clients know of ${known?.name}`;
      throw history.broken("V4", `${name} begins in epoch ${epoch} with ${has}`);
    }
    if (version !== null) history.traces.push({ incarnation, version, epoch, sealed: false });
  }

  /** A disk is gone for good. */
  lost(): void {
    if (!this.dead && this.#isDead()) this.dead = true;
    this.checkHeld();
  }

  #isDead(): boolean {
    const { last } = this.views;
    if (last === null) return false;
    const alive = last.members.filter((member) => this.#diskOf(member) !== null);
    if (2 * alive.length <= last.members.length) return true;
    if (this.#speakers(last.epoch).length > 0) return false;
    const before = this.views.of(last.epoch - 1);
    return before === null || 2 * this.#speakers(before.epoch).length <= before.members.length;
  }

  /** D1. */
  checkHeld(): void {
    if (this.dead) return;
    for (const history of this.keys.values()) this.checkKey(history);
  }

  /** D1: nobody who could answer for the partition, or begin its next view, could miss it. */
  checkKey(history: KeyHistory): void {
    const { last } = this.views;
    if (last === null || this.dead) return;
    this.#checkMajorities(history, last, history.observed);
    const alive = last.members.filter((member) => this.#diskOf(member) !== null);
    const before = this.views.of(last.epoch - 1);
    if (before === null || this.#speakers(last.epoch).length === alive.length) return;
    this.#checkMajorities(history, before, history.observedAt.get(last.epoch) ?? null);
  }

  #checkMajorities(history: KeyHistory, view: View, known: Version | null): void {
    if (known === null) return;
    const lacking = this.#speakers(view.epoch).filter(
      (stored) => !isAncestor(known, versionIn(stored, history)),
    );
    if (2 * lacking.length <= view.members.length) return;
    throw history.broken("D1", `most who speak for epoch ${view.epoch} lack ${known.name}`);
  }

  /** Members that may answer in that view, or show what they had in it to those of the next. */
  #speakers(epoch: number): readonly Stored[] {
    const view = this.views.of(epoch);
    return (view?.members ?? []).flatMap((member) => {
      const stored = this.#diskOf(member)?.durable.of(this.partition);
      const own = stored?.state?.view;
      if (stored === undefined || own === undefined || !isMember(own, member)) return [];
      return own.epoch === epoch || own.epoch === epoch + 1 ? [stored] : [];
    });
  }

  // --- clients ----------------------------------------------------------------------------------

  /** D6 and V3, when a client is told that its write happened. */
  checkAcknowledged(history: KeyHistory, version: Version): void {
    if (this.isAcknowledged(history, version)) return;
    const problem = `${version.name} is acknowledged`;
    const had = history.traces.filter((trace) => isAncestor(version, trace.version));
    for (let epoch = version.epoch; epoch <= (this.views.last?.epoch ?? 0); epoch += 1) {
      if (!this.#isMajority(epoch, had)) continue;
      throw history.broken("V3", `${problem}, by members that were sealed`);
    }
    throw history.broken("D6", `${problem}, and not on the disks of a majority`);
  }

  /** Whether most members of some view had it, or what replaced it, while they were active. */
  isAcknowledged(history: KeyHistory, version: Version): boolean {
    const had = history.traces.filter(
      (trace) => !trace.sealed && isAncestor(version, trace.version),
    );
    const epochs = new Set(had.map(({ epoch }) => epoch));
    return [...epochs].some(
      (epoch) =>
        epoch >= version.epoch &&
        this.#isMajority(
          epoch,
          had.filter((trace) => trace.epoch === epoch),
        ),
    );
  }

  #isMajority(epoch: number, traces: readonly { readonly incarnation: string }[]): boolean {
    const members = this.views.of(epoch)?.members ?? [];
    const had = new Set(traces.map(({ incarnation }) => incarnation));
    return 2 * members.filter(({ incarnation }) => had.has(incarnation)).length > members.length;
  }

  #broken(oracle: "D3" | "D7", problem: string): OracleError {
    return new OracleError(oracle, `partition ${this.partition}: ${problem}`);
  }
}

function versionIn(stored: Stored, history: KeyHistory): Version | null {
  return history.versionOf(stored.records.get(history.key));
}
