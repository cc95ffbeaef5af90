/**
 * Reads without a lease: before a leader answers one, a majority says, after the read began, that
 * it still follows that leader. All reads that wait for the same peer share one message, whichever
 * partitions they belong to: while one message is under way the next one fills (ReadIndex in Raft's
 * dissertation, section 6.4, batches the same way).
 */
import { ReplicationError } from "./errors.ts";
import type { Lead } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";

/** A leader as far as confirmation needs it. */
export interface Confirmable {
  readonly lead: Lead;
  /** Other members, by name, in the order in which those that answer should be asked. */
  readonly others: readonly string[];
  /** How many of them make a majority together with the leader itself. */
  readonly needed: number;
  /** A peer follows it no more. */
  refused(peer: string): void;
}

/** Reads of one partition that began before any peer was asked for them. */
interface Round {
  readonly leader: Confirmable;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: ReplicationError) => void;
  /** Peers that were asked: a bit set over `others`. */
  asked: number;
  confirms: number;
  open: boolean;
}

interface Lane {
  readonly peer: string;
  waiting: Round[];
  busy: boolean;
}

/** Partitions in one message. */
const ROUNDS_MAX = 512;

export class Confirmer {
  readonly #peers: Peers;
  readonly #options: ReplicationOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #open = new Map<Confirmable, Round>();

  constructor(peers: Peers, options: ReplicationOptions) {
    this.#peers = peers;
    this.#options = options;
  }

  /** Resolves once a majority has confirmed, asked after this call. Rejects `unavailable`. */
  confirm(leader: Confirmable): Promise<void> {
    const open = this.#open.get(leader);
    if (open !== undefined) return open.done;
    const done: PromiseWithResolvers<void> = Promise.withResolvers();
    const round: Round = {
      leader,
      done: done.promise,
      resolve: done.resolve,
      reject: done.reject,
      asked: 0,
      confirms: 0,
      open: true,
    };
    if (leader.needed === 0) {
      round.resolve();
      return round.done;
    }
    this.#open.set(leader, round);
    for (let count = 0; count < leader.needed; count += 1) this.#askNext(round);
    return round.done;
  }

  /** Puts the round on the next peer's lane; with none left it fails. */
  #askNext(round: Round): void {
    const place = this.#next(round);
    const peer = round.leader.others[place];
    if (peer === undefined) {
      this.#close(round);
      round.reject(new ReplicationError("unavailable", "no majority confirmed the read in time"));
      return;
    }
    round.asked |= 1 << place;
    const lane = this.#lane(peer);
    lane.waiting.push(round);
    if (!lane.busy) void this.#run(lane);
  }

  /** Of those not asked yet the first that answers, else the first; -1 if there is none. */
  #next({ leader: { others }, asked }: Round): number {
    let silent = -1;
    for (let place = 0; place < others.length; place += 1) {
      if (((asked >> place) & 1) === 1) continue;
      if (this.#peers.reachable(others[place] as string)) return place;
      if (silent < 0) silent = place;
    }
    return silent;
  }

  async #run(lane: Lane): Promise<void> {
    lane.busy = true;
    while (lane.waiting.length > 0) {
      const rounds = lane.waiting.splice(0, ROUNDS_MAX);
      for (const round of rounds) this.#close(round);
      await this.#ask(lane.peer, rounds);
    }
    lane.busy = false;
    this.#lanes.delete(lane.peer);
  }

  async #ask(peer: string, rounds: readonly Round[]): Promise<void> {
    const leads = rounds.map(({ leader }) => leader.lead);
    try {
      const { refused } = await this.#peers.call<"confirm">(
        peer,
        { type: "confirm", leads },
        this.#options.confirmTimeoutMs,
      );
      const refusedOnes = new Set(refused);
      for (const [index, round] of rounds.entries()) {
        if (refusedOnes.has(index)) this.#refuse(round, peer);
        else this.#count(round);
      }
    } catch {
      for (const round of rounds) this.#askNext(round);
    }
  }

  #count(round: Round): void {
    round.confirms += 1;
    if (round.confirms === round.leader.needed) round.resolve();
  }

  #refuse(round: Round, peer: string): void {
    round.leader.refused(peer);
    this.#askNext(round);
  }

  /** From here on it asks for what began earlier: later reads need a round of their own. */
  #close(round: Round): void {
    if (!round.open) return;
    round.open = false;
    this.#open.delete(round.leader);
  }

  #lane(peer: string): Lane {
    let lane = this.#lanes.get(peer);
    if (lane === undefined) {
      lane = { peer, waiting: [], busy: false };
      this.#lanes.set(peer, lane);
    }
    return lane;
  }
}
