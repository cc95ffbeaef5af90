/** Brings the founders to agree on one charter (charter.ts has the rule and why it is safe). */
import type { Clock, Log } from "../chord/ports.ts";
import type { Charter, CharterMember } from "./charter.ts";
import { ReplicationError } from "./errors.ts";
import type { Greeting } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { Disk } from "./store.ts";
import { type Member, sameMember, sameMembers } from "./view.ts";

export interface FoundingParts {
  readonly self: Member;
  readonly disk: Disk;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ReplicationOptions;
  readonly founders: () => Promise<readonly string[]>;
  /** Whether this node is a member of its ring: others may have begun long ago, unknown to it. */
  readonly inRing: () => boolean;
  /** Nodes of the ring of which it has ever heard: one may know that all has begun long ago. */
  readonly heardOf: () => readonly string[];
  /** A complete charter is on the disk. */
  readonly chartered: (charter: Charter) => void;
}

export class Founding {
  readonly #parts: FoundingParts;
  /** What other nodes answered lately, by name. */
  readonly #greetings = new Map<string, Greeting>();
  #attempt = 0;
  #running = false;
  #sinceMs: number | null = null;

  constructor(parts: FoundingParts) {
    this.#parts = parts;
  }

  get #charter(): Charter | null {
    return this.#parts.disk.record.charter;
  }

  greeted(name: string, greeting: Greeting): void {
    this.#greetings.set(name, greeting);
    const { charter } = greeting;
    if (charter === null) return;
    this.#attempt = Math.max(this.#attempt, charter.attempt);
    if (charter.complete && this.#charter?.complete !== true) this.receive(charter);
  }

  /** One attempt to begin, if it is this node's turn. Called again and again. */
  async round(): Promise<void> {
    if (this.#running || this.#charter?.complete === true) return;
    this.#running = true;
    try {
      const members = await this.#quorum();
      if (members !== null) await this.#propose(members);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#parts.log.debug("The data layer could not begin yet", { reason });
    } finally {
      this.#running = false;
    }
  }

  /** Answers a proposal: what this node has instead, null if it took the charter. */
  receive(charter: Charter): Charter | null {
    const { self } = this.#parts;
    const own = this.#charter;
    if (own?.complete === true) return sameCharter(own, charter) ? null : own;
    if (charter.complete) {
      this.#save(charter);
      this.#parts.chartered(charter);
      return null;
    }
    if (!charter.members.some((member) => sameMember(member, self))) {
      throw new ReplicationError("unavailable", "the charter does not name this node's disk");
    }
    if (sameCharter(own, charter)) return null;
    if (own !== null && !supersedes(charter, own)) return own;
    this.#save(charter);
    return null;
  }

  #save(charter: Charter): void {
    const { disk } = this.#parts;
    disk.saveRecord({ ...disk.record, charter });
  }

  /** The founders to begin with; null while it is another node's turn or too few are there. */
  async #quorum(): Promise<readonly CharterMember[] | null> {
    const { self, options, clock, inRing, heardOf } = this.#parts;
    const founders = await this.#parts.founders();
    if (!founders.includes(self.name) || !inRing()) return null;
    const present = [this.#self(), ...founders.flatMap((name) => this.#present(name) ?? [])];
    const first = present.toSorted((a, b) => (a.name < b.name ? -1 : 1))[0];
    if (first?.name !== self.name || 2 * present.length <= founders.length) {
      this.#sinceMs = null;
      return null;
    }
    this.#sinceMs ??= clock.now();
    const patient = clock.now() - this.#sinceMs >= options.foundingPatienceMs;
    // However long it waits: who is silent may have all the data.
    const asked = heardOf().every((name) => name === self.name || this.#greetings.has(name));
    return asked && (present.length === founders.length || patient) ? present : null;
  }

  #self(): CharterMember {
    const { self, options } = this.#parts;
    return { ...self, zone: options.zone };
  }

  /** Another node that answers, with its disk; null if it does not. */
  #present(name: string): CharterMember | null {
    const { self, peers } = this.#parts;
    const greeting = this.#greetings.get(name);
    if (name === self.name || greeting === undefined || !peers.reachable(name)) return null;
    return { name, incarnation: greeting.incarnation, zone: greeting.zone };
  }

  async #propose(members: readonly CharterMember[]): Promise<void> {
    const { disk, options, peers, self } = this.#parts;
    const { partitions, copies } = options;
    const attempt = Math.max(this.#attempt, this.#charter?.attempt ?? 0) + 1;
    this.#attempt = attempt;
    const names = [...this.#greetings.keys()];
    const pods = [this.#self(), ...names.flatMap((name) => this.#present(name) ?? [])];
    const charter: Charter = { attempt, complete: false, partitions, copies, members, pods };
    if (this.receive(charter) !== null) return;
    await disk.durable();
    const others = members.filter(({ name }) => name !== self.name);
    const answers = await Promise.all(
      others.map(({ name }) => peers.call<"charter">(name, { type: "charter", charter })),
    );
    for (const { other } of answers) {
      if (other === null) continue;
      this.#attempt = Math.max(this.#attempt, other.attempt);
      if (other.complete) this.receive(other);
      return;
    }
    if (!sameCharter(this.#charter, charter) || this.#charter?.complete === true) return;
    await this.#complete({ ...charter, complete: true });
  }

  async #complete(charter: Charter): Promise<void> {
    const { disk, peers, self, log } = this.#parts;
    this.#save(charter);
    log.info("The data layer begins", {
      founders: charter.members.map(({ name }) => name),
      pods: charter.pods.map(({ name }) => name),
    });
    this.#parts.chartered(charter);
    // Who is not told learns it by greeting.
    await disk.durable();
    for (const { name } of charter.pods) {
      if (name === self.name) continue;
      peers.call<"charter">(name, { type: "charter", charter }).catch(() => undefined);
    }
  }
}

/**
 * Whoever completed the older one must take part in the newer one, or its successor under the same
 * name: it would refuse, so that there are never two complete ones.
 */
function supersedes(newer: Charter, older: Charter): boolean {
  const names = new Set(newer.members.map(({ name }) => name));
  return newer.attempt > older.attempt && older.members.every(({ name }) => names.has(name));
}

function sameCharter(a: Charter | null, b: Charter): boolean {
  if (a === null || a.partitions !== b.partitions || a.copies !== b.copies) return false;
  if (a.attempt !== b.attempt || !sameMembers(a.pods, b.pods)) return false;
  return sameMembers(a.members, b.members);
}
