/**
 * What must hold after every event, whatever the faults. The oracles see all nodes at once and all
 * traffic; they know the protocol's promises, not its code.
 *
 * R1, R2, R5, R6, R7 and R11 rest on Zave's assumption: no member loses its last living successor
 * and r+1 principals remain. The oracles watch whether the faults keep to it. Once they do not, or
 * a living node is taken for dead, these rest until the ring is ideal again; all others go on.
 */
import {
  type Answer,
  betweenRightClosed,
  between,
  checkIdeal,
  checkList,
  checkRing,
  type Envelope,
  type Id,
  type NodeRef,
  type NodeView,
  principals,
  type Request,
  type RingInvariant,
  type RingState,
} from "../src/chord/index.ts";
import type { Host, Observer } from "./network.ts";
import { SimulatedNode, type World } from "./world.ts";

export type Oracle =
  | RingInvariant
  | "R7"
  | "R8"
  | "R9"
  | "R10"
  | "S1"
  | "E1"
  | "L1"
  | "L2"
  | "L3"
  | "L4";

/** The oracles beside those of a ring's picture (`invariants` in the core). */
export const oracles: Readonly<Record<Exclude<Oracle, RingInvariant>, string>> = {
  R7: "only a failure makes a principal member one no more",
  R8: "no node shows its pointers in the middle of an operation",
  R9: "no node adopts a pointer to a node that did not just answer it, or with a forged id",
  R10: "once the faults end, the ring is ideal within the bound, and stays so",
  S1: "no living neighbour is given up before three requests in a row went unanswered",
  E1: "of one ring that ended, no two with the same epoch are founded beside each other",
  L1: "each hop of a lookup lies strictly nearer to the identifier; none is taken twice",
  L2: "a lookup takes at most one hop for each node there is",
  L3: "in an ideal ring every lookup ends at the identifier's successor, whatever the fingers",
  L4: "the owner that a lookup names answered it",
};

/** A broken promise: the end of a run. */
export class OracleError extends Error {
  readonly oracle: Oracle;

  constructor(oracle: Oracle, problem: string) {
    super(`${oracle}: ${problem}`);
    this.oracle = oracle;
  }
}

/** Unanswered requests in a row that allow a node to give a neighbour up (`suspicionProbes`). */
const suspicionProbes = 3;
/** A predecessor answered at most this long before it is adopted, not counting a pause between. */
const contactMs = 10_000;

/** How long what a liar said, or somebody wrote into a node, may go on to have effects. */
const liesMs = 10_000;
/** A node that was outside the ring so short a time ago may rightly be taken for gone. */
const newMemberMs = 2000;

/** Longer than any request is waited for, with its repeats. */
const settleMs = 5000;

/** What the oracles last saw of a node. */
interface Seen {
  readonly memberSinceMs: number;
  readonly member: boolean;
  readonly generation: number;
  readonly predecessor: NodeRef | null;
  readonly successors: readonly NodeRef[];
}

/** A list that a node was sent; one that is older than any wait was lost on its way. */
interface Sent {
  readonly list: NodeView;
  readonly sentMs: number;
}

export class Oracles implements Observer {
  /** Changes of pointers that were checked as a whole ring, and those while intact. */
  checkedCount = 0;
  intactCount = 0;
  /** Living neighbours that were given up: rightly by what the node could know. */
  wrongSuspicionCount = 0;
  /** Whether somebody who lies is there just now. */
  liarPresent: () => boolean = () => false;
  /** Whether living nodes took each other for dead since all of them were last one ring. */
  #divided = false;
  #liedUntilMs = Number.NEGATIVE_INFINITY;
  readonly #world: World;
  /** Whether the invariants that rest on Zave's assumption are watched. */
  #armed = false;
  /** Since when the ring has been ideal, while the invariants still rest. */
  #idealSinceMs: number | null = null;
  readonly #seen = new Map<SimulatedNode, Seen>();
  #principals: ReadonlySet<Id> = new Set();
  /** Requests in a row that a node got no answer to: node → address → count. */
  readonly #misses = new Map<Host, Map<string, number>>();
  /** When a node last had an answer from an address. */
  readonly #contacts = new Map<Host, Map<string, number>>();
  /** Lists that were sent and have not arrived: asker's address → sender's address → list. */
  readonly #onTheWay = new Map<string, Map<string, Sent>>();
  /** By whose founding a node became a member: the founder's address. */
  readonly #startedBy = new Map<Host, string>();

  constructor(world: World) {
    this.#world = world;
    world.network.observer = this;
    world.scheduler.onSettled = () => this.afterEvent();
  }

  /** Whether Zave's assumption has held since the ring was last ideal for a while. */
  get intact(): boolean {
    if (this.#armed || this.#idealSinceMs === null) return this.#armed;
    return this.#world.scheduler.now() - this.#idealSinceMs >= settleMs;
  }

  // --- traffic --------------------------------------------------------------------------------

  handled(host: Host, envelope: Envelope, request: Request, answer: Answer | null): void {
    if (answer === null || !(host instanceof SimulatedNode)) return;
    if (request.type === "state" && host.chord.busy) {
      throw new OracleError("R8", `${host.name} showed its pointers to ${envelope.from.name}`);
    }
    if (request.type === "state") this.#sent(envelope.from, answer as Answer<"state">);
    if (request.type === "start" && "started" in answer.reply && answer.reply.started) {
      this.#checkFounder(host, request.epoch, envelope.from.address);
    }
  }

  answered(host: Host, request: Request, answer: Answer): void {
    const { address } = answer.self;
    if (request.type === "state") this.#onTheWay.get(host.address)?.delete(address);
    this.#misses.get(host)?.delete(address);
    const contacts = this.#contacts.get(host) ?? new Map<string, number>();
    this.#contacts.set(host, contacts);
    contacts.set(address, this.#world.scheduler.now());
  }

  unanswered(host: Host, address: string): void {
    const misses = this.#misses.get(host) ?? new Map<string, number>();
    this.#misses.set(host, misses);
    misses.set(address, (misses.get(address) ?? 0) + 1);
  }

  /** Keeps the list that the asker will have once it applies what it was sent. */
  #sent(asker: NodeRef, { self, reply }: Answer<"state">): void {
    const ring = this.#world.running.get(asker.name)?.chord.ring;
    if (ring?.self.address !== asker.address) return;
    const others = reply.successors.filter(({ id }) => id !== asker.id);
    const heard = ring.member ? [self, ...others] : others;
    if (!this.#willApply(ring, self, reply.successors)) return;
    const lists = this.#onTheWay.get(asker.address) ?? new Map<string, Sent>();
    this.#onTheWay.set(asker.address, lists);
    const successors = heard.slice(0, this.#world.options.successors);
    const list = { self: asker, predecessor: null, successors };
    lists.set(self.address, { list, sentMs: this.#world.scheduler.now() });
  }

  /**
   * A member adopts its first successor again, or a node before that one; a newcomer takes the list
   * of the node right before it. What else is asked, by the census for one, is only looked at.
   */
  #willApply(ring: RingState, sender: NodeRef, behind: readonly NodeRef[]): boolean {
    if (!ring.member) return behind.every(({ id }) => !between(sender.id, id, ring.self.id));
    const head = ring.successors[0];
    if (head === undefined || head.id === sender.id) return true;
    return between(ring.self.id, sender.id, head.id);
  }

  /**
   * E1. Not where most founders lost their disks: they cannot know of an earlier ring. And not of a
   * ring that a partition had made two of: then each half has members, and a majority, of its own.
   */
  #checkFounder(host: Host, epoch: number, founder: string): void {
    this.#startedBy.set(host, founder);
    for (const node of this.#world.running.values()) {
      const other = this.#startedBy.get(node) ?? founder;
      const { ring } = node.chord;
      if (!ring.member || ring.epoch !== epoch || other === founder) continue;
      if (this.#lied() || this.#divided || this.#foundersForgot()) return;
      throw new OracleError("E1", `${other} and ${founder} both founded a ring of epoch ${epoch}`);
    }
  }

  /** L4: a named owner is the asking node itself, or it has answered since the lookup began. */
  checkOwner(node: SimulatedNode, owner: NodeRef, sinceMs: number): void {
    if (owner.address === node.address) return;
    const contactedMs = this.#contacts.get(node)?.get(owner.address) ?? -1;
    if (contactedMs >= sinceMs) return;
    throw new OracleError("L4", `${node.name} was told that ${owner.name} is the owner, unasked`);
  }

  // --- state ----------------------------------------------------------------------------------

  /** Called when an event and all that it caused are done. */
  afterEvent(): void {
    const { changed, running } = this.#world;
    // Asked at every event, so that a liar who changed nothing yet is known to have been there.
    this.#lied();
    if (changed.size === 0) return;
    this.#rearm();
    if (this.#world.tampered) this.#startAnew();
    let failed = false;
    for (const node of changed) {
      const before = this.#seen.get(node);
      if (running.get(node.name) === node) {
        this.#checkNode(node, before);
        failed ||= before?.member === true && before.generation !== node.chord.ring.generation;
      } else {
        failed ||= before?.member === true;
        this.#forget(node);
      }
    }
    changed.clear();
    this.#checkMembers(failed);
  }

  /** Takes what is there for given, and watches what becomes of it. */
  #startAnew(): void {
    this.#world.tampered = false;
    // What was asked before is applied to pointers that are others now.
    this.#liedUntilMs = this.#world.scheduler.now() + liesMs;
    this.#lose("its pointers were tampered with");
    for (const node of this.#world.changed) {
      if (this.#world.running.get(node.name) === node)
        this.#see(node, this.#memberSinceMs(node.name));
    }
  }

  #forget(node: SimulatedNode): void {
    this.#seen.delete(node);
    this.#misses.delete(node);
    this.#contacts.delete(node);
    this.#startedBy.delete(node);
    this.#onTheWay.delete(node.address);
  }

  #checkNode(node: SimulatedNode, before: Seen | undefined): void {
    const { ring } = node.chord;
    this.#checkOwnList(ring);
    if (this.#world.recording) this.#world.note(pointersOf(node));
    const same = before?.generation === ring.generation;
    this.#see(node, same ? before.memberSinceMs : this.#world.scheduler.now());
    // Founders begin one after the other: until the last one has, the ring is in the making.
    if (ring.member && !same && ring.predecessor !== null)
      this.#lose("a new ring is being founded");
    if (!ring.member) this.#startedBy.delete(node);
    if (!ring.member || !same) return;
    this.#checkSuccessor(node, before);
    this.#checkPredecessor(node, before);
  }

  #checkOwnList(ring: RingState): void {
    const [violation] = checkList(ring, this.#world.options.successors);
    if (violation !== undefined) throw new OracleError(violation.invariant, violation.problem);
  }

  #see(node: SimulatedNode, memberSinceMs: number): void {
    const { member, generation, predecessor, successors } = node.chord.ring;
    this.#seen.set(node, { memberSinceMs, member, generation, predecessor, successors });
  }

  #checkSuccessor(node: SimulatedNode, before: Seen): void {
    const { ring } = node.chord;
    const old = before.successors[0];
    const head = ring.successors[0];
    if (head?.address === old?.address) return;
    const listed = before.successors.some(({ address }) => address === head?.address);
    if (head !== undefined && !listed) this.#checkAdopted(node, head, 0);
    if (old === undefined) return;
    const nearer = head !== undefined && between(ring.self.id, head.id, old.id);
    if (!nearer && this.#lives(old, ring)) this.#checkGivenUp(node, old);
  }

  #checkPredecessor(node: SimulatedNode, before: Seen): void {
    const { ring } = node.chord;
    const { predecessor } = ring;
    const old = before.predecessor;
    if (predecessor === null || predecessor.address === old?.address) return;
    if (predecessor.id !== ring.self.id) this.#checkAdopted(node, predecessor, contactMs);
    if (old === null || old.id === ring.self.id) return;
    const nearer = between(old.id, predecessor.id, ring.self.id);
    if (!nearer && this.#lives(old, ring)) this.#checkGivenUp(node, old);
  }

  /** R9. A node that was in the list before need not answer to become its head. */
  #checkAdopted(node: SimulatedNode, adopted: NodeRef, ageMaxMs: number): void {
    const { scheduler, idOf } = this.#world;
    const contactedMs = this.#contacts.get(node)?.get(adopted.address);
    const forged = idOf(adopted.name) !== adopted.id;
    const nowMs = scheduler.now();
    const known = contactedMs !== undefined && node.awakeMs(contactedMs, nowMs) <= ageMaxMs;
    if (known && !forged) return;
    const why = forged ? "with a forged id" : "without an answer from it";
    throw new OracleError("R9", `${node.name} adopted ${adopted.name} ${why}`);
  }

  #memberSinceMs(name: string): number {
    const node = this.#world.running.get(name);
    return (node && this.#seen.get(node)?.memberSinceMs) ?? Number.NEGATIVE_INFINITY;
  }

  #lied(): boolean {
    const nowMs = this.#world.scheduler.now();
    if (this.liarPresent()) this.#liedUntilMs = nowMs + liesMs;
    return nowMs < this.#liedUntilMs;
  }

  /** Most of those that may found a ring unasked have lost the disk that told them of the last. */
  #foundersForgot(): boolean {
    const { options, lostDisks } = this.#world;
    const forgetful = options.founders.filter((name) => lostDisks.has(name));
    return 2 * forgetful.length > options.founders.length;
  }

  #checkGivenUp(node: SimulatedNode, neighbour: NodeRef): void {
    const misses = this.#misses.get(node)?.get(neighbour.address) ?? 0;
    const sinceMs = this.#memberSinceMs(neighbour.name);
    const isNew = node.awakeMs(sinceMs, this.#world.scheduler.now()) < newMemberMs;
    if (misses < suspicionProbes && !isNew && !this.#lied()) {
      throw new OracleError("S1", `${node.name} gave up ${neighbour.name}, which lives`);
    }
    this.wrongSuspicionCount += 1;
    this.#divided = true;
    this.#lose(`${node.name} took ${neighbour.name} for dead`);
  }

  /** Whether a reference leads to a living member of the same ring, in this very life. */
  #lives(reference: NodeRef, ring: RingState): boolean {
    const node = this.#world.running.get(reference.name);
    if (node?.address !== reference.address) return false;
    return node.chord.ring.member && node.chord.epoch === ring.epoch;
  }

  // --- the ring -------------------------------------------------------------------------------

  #checkMembers(failed: boolean): void {
    const { options, running } = this.#world;
    this.checkedCount += 1;
    const rings: RingState[] = [];
    for (const node of running.values()) {
      if (node.chord.ring.member) rings.push(node.chord.ring);
    }
    const epoch = rings[0]?.epoch;
    if (this.#lied() || rings.some((ring) => ring.epoch !== epoch)) {
      this.#lose("there are several rings, or somebody lies");
      return;
    }
    if (!this.#armed) {
      this.#regain(rings);
      return;
    }
    this.intactCount += 1;
    const problems = checkRing(rings, options.successors);
    const assumed = problems.find(({ invariant }) => invariant === "R1" || invariant === "R2");
    if (failed && assumed !== undefined) {
      this.#lose(`more failed than the protocol is made for: ${assumed.problem}`);
      return;
    }
    const [first] = problems;
    if (first !== undefined) throw new OracleError(first.invariant, first.problem);
    this.#checkPrincipals(rings);
  }

  #checkPrincipals(rings: readonly RingState[]): void {
    const sinceMs = this.#world.scheduler.now() - settleMs;
    const onTheWay = [...this.#onTheWay.values()]
      .flatMap((lists) => [...lists.values()])
      .filter(({ sentMs }) => sentMs >= sinceMs)
      .map(({ list }) => list);
    const now = principals(rings, onTheWay);
    for (const { self } of rings) {
      if (!this.#principals.has(self.id) || now.has(self.id)) continue;
      throw new OracleError("R7", `${self.name} was a principal member and is passed over now`);
    }
    this.#principals = now;
  }

  #regain(rings: readonly RingState[]): void {
    const { successors } = this.#world.options;
    if (rings.length < successors + 1 || !checkIdeal(rings, successors).ideal) {
      this.#idealSinceMs = null;
      return;
    }
    this.#idealSinceMs ??= this.#world.scheduler.now();
    if (rings.length >= this.#world.names.size) this.#divided = false;
    this.#principals = principals(rings);
  }

  /** An ideal ring is Zave's initial state only when no answer from before is on its way. */
  #rearm(): void {
    if (this.#armed || !this.intact) return;
    this.#armed = true;
    this.#world.note("oracles: the ring is ideal, all invariants are watched");
  }

  #lose(why: string): void {
    if (this.#armed) this.#world.note(`oracles: R1, R2, R5, R6, R7 rest, since ${why}`);
    this.#armed = false;
    this.#idealSinceMs = null;
  }
}

/** A node's pointers on one line of the transcript. */
function pointersOf(node: SimulatedNode): string {
  const { state, predecessor, successors } = node.chord.ring;
  if (!node.chord.ring.member) return `${node.name} is ${state}`;
  const names = successors.map(({ name }) => name).join(" ");
  const before = predecessor?.name ?? "none";
  return `${node.name} has predecessor ${before}, successors ${names || "none"}`;
}

/**
 * L1 and L2 of a finished lookup. One that met dead nodes may have gone back on its way, but to no
 * node twice and never behind its start; `strict` is for those that met none.
 */
export function checkPath(
  path: readonly NodeRef[],
  id: Id,
  options: { readonly strict: boolean; readonly hopCountMax: number },
): void {
  for (const [index, node] of path.entries()) {
    if (index === 0) continue;
    const last = path[options.strict ? index - 1 : 0] as NodeRef;
    const again = path.indexOf(node) < index;
    if (!again && betweenRightClosed(last.id, node.id, id)) continue;
    throw new OracleError("L1", `a lookup of ${id} went from ${last.name} to ${node.name}`);
  }
  if (path.length - 1 <= options.hopCountMax) return;
  throw new OracleError("L2", `a lookup of ${id} took ${path.length - 1} hops`);
}
