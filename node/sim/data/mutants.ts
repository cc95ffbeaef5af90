/**
 * Small breakages of the data layer: rules of its model taken out, which implementations of such
 * protocols are known to miss, and defects that it once had. The simulator must notice every one.
 */
import type { Mutant } from "../breakage.ts";

/** Edits of files below node/src/replication. */
export const mutants: readonly Mutant[] = [
  // --- one copy ---------------------------------------------------------------------------------
  {
    name: "answers-sealed",
    what: "a sealed replica goes on answering in its view",
    file: "replica.ts",
    from: 'if (this.#state.sealed) throw this.#error("sealed");',
    to: "",
  },
  {
    name: "mixed-epochs",
    what: "a replica of a later view answers in an earlier one",
    file: "replica.ts",
    from: "if (epoch !== view.epoch || !this.member)",
    to: "if (epoch > view.epoch || !this.member)",
  },
  {
    name: "promise-not-saved",
    what: "a promise is kept in memory only",
    file: "replica.ts",
    from: "if (this.#state.promised !== ballot) this.#save({ promised: ballot });",
    to: "this.#state = { ...this.#state, promised: ballot };",
  },
  {
    name: "promise-broken",
    what: "a replica follows whoever asks, a higher promise or not",
    file: "replica.ts",
    from: 'if (this.#state.promised > ballot) throw this.#error("outranked");',
    to: "",
  },
  {
    name: "older-applies",
    what: "an overtaken write is applied after the later one",
    file: "replica.ts",
    from: "if (compareStamps(held.stamp, present?.stamp ?? null) > 0) this.#store.keep(key, held);",
    to: "if (compareStamps(held.stamp, present?.stamp ?? null) !== 0) this.#store.keep(key, held);",
  },
  {
    name: "reborn",
    what: "a pod with an empty disk is taken for the member that it was",
    file: "view.ts",
    from: "return a.name === b.name && a.incarnation === b.incarnation;",
    to: "return a.name === b.name;",
  },
  {
    name: "accepts-before-durable",
    what: "a write is acknowledged before it is on the disk",
    file: "replication.ts",
    from: 'if (request.type !== "confirm" &&',
    to: 'if (request.type !== "accept" && request.type !== "confirm" &&',
  },
  {
    name: "tells-before-durable",
    what: "records are told before they are on the disk",
    file: "replication.ts",
    from: 'if (request.type !== "confirm" &&',
    to: 'if (!["read", "list", "fetch", "confirm"].includes(request.type) &&',
  },

  // --- the leader -------------------------------------------------------------------------------
  {
    name: "majority-of-the-present",
    what: "a leader needs most of the members that answer, not of all",
    file: "leader.ts",
    from: "this.needed = Math.floor(this.view.members.length / 2);",
    to:
      "const present = this.others.filter((name) => parts.peers.reachable(name));\n" +
      "this.needed = Math.floor((present.length + 1) / 2);",
  },
  {
    name: "minority-writes",
    what: "a write is done when half of the members have it",
    file: "writes.ts",
    from: "this.#needed = Math.floor(this.#members.length / 2) + 1;",
    to: "this.#needed = Math.ceil(this.#members.length / 2);",
  },
  {
    name: "own-before-durable",
    what: "a leader counts itself before its write is on its disk",
    file: "writes.ts",
    from:
      "disk.durable().then(\n      () => this.#acknowledge(pending, 0),\n" +
      "      () => undefined,\n    );\n    for (",
    to: "void disk;\n    this.#acknowledge(pending, 0);\n    for (",
  },
  {
    name: "no-merge",
    what: "a leader uses the newest record it read before a majority has it",
    file: "leader.ts",
    from: "await this.#writes.write(key, newest.state).done;",
    to: "this.#parts.replica.merge(key, newest);",
  },
  {
    name: "own-replica-first",
    what: "a leader takes its own record for the latest without reading others",
    file: "leader.ts",
    from: "if (this.#known(text)) return this.#executeNow(attempt);",
    to: "if (text !== null) return this.#executeNow(attempt);",
  },
  {
    name: "unconfirmed",
    what: "a read is answered without asking a majority whether it still leads",
    file: "leader.ts",
    from: "const confirmed = this.#parts.confirmer.confirm(this);",
    to: "const confirmed = Promise.resolve();",
  },
  {
    name: "confirmed-earlier",
    what: "a read is confirmed by a round that began before it",
    file: "confirmer.ts",
    from: "for (const round of rounds) this.#close(round);\n      await",
    to: "await",
  },
  {
    name: "reads-uncommitted",
    what: "a read does not wait for the write of its key that is under way",
    file: "leader.ts",
    from: "confirmed.catch(() => undefined);\n      await committed(underWay);\n",
    to: "",
  },
  {
    name: "ballot-reused",
    what: "a leader that restarted goes on with the ballot it had, and counts anew",
    file: "partition.ts",
    from: "const above = Math.max(this.replica.promised, this.#outrankedBy);",
    to: "const above = Math.max(this.replica.promised - 1, this.#outrankedBy);",
  },
  {
    name: "write-not-repeated",
    what: "a write that a majority did not get at once is not sent again",
    file: "writes.ts",
    from: "if (done === 0 && this.#parts.peers.present(member)) this.#send(pending, place);",
    to: "void [done, member];",
  },

  // --- clients ----------------------------------------------------------------------------------
  {
    name: "unknown-told-as-failed",
    what: "a write without an answer in time is reported as not done",
    file: "router.ts",
    from: 'if (begun && operation.type !== "get") return unknownOutcome(undefined);',
    to: "void [begun, operation];",
  },
  {
    name: "begun-too-late",
    what: "a write begins after it was given up",
    file: "leader.ts",
    from: 'if (abandoned) return new ReplicationError("unavailable", "the time for this is over");',
    to: "void abandoned;",
  },
  {
    name: "request-forgotten",
    what: "a new leader forgets the ids of the requests that were answered before",
    file: "leader.ts",
    from: "await this.#writes.write(key, newest.state).done;",
    to: "await this.#writes.write(key, { ...newest.state, answered: [] }).done;",
  },
  {
    name: "repeated-without-id",
    what: "a write of unknown outcome is repeated though it has no id",
    file: "router.ts",
    from: "if (isUnknown(error) && !repeatable) throw unknownOutcome(error);",
    to: "void repeatable;",
  },

  // --- fences -----------------------------------------------------------------------------------
  {
    name: "fence-forgotten",
    what: "a write makes a key forget its fence",
    file: "key-operation.ts",
    from: "return fence === 0 ? state : { ...state, fence };",
    to: "return fence === 0 ? state : { ...state };",
  },
  {
    name: "fence-not-written",
    what: "a fence is told to be raised, and is not",
    file: "key-operation.ts",
    from: 'return { outcome: { type: "fenced", fence }, next: { ...raised, fence } };',
    to: 'void raised;\n  return { outcome: { type: "fenced", fence }, next: null };',
  },

  // --- values that expire -----------------------------------------------------------------------
  {
    name: "expires-by-reading",
    what: "a value whose time is over is not found, though it was not deleted",
    file: "key-operation.ts",
    from: "return { outcome: read(operation, state), next: null };",
    to:
      "return { outcome: read(operation, isOver(state?.content, circumstances.nowMs) " +
      "? null : state), next: null };",
  },
  {
    name: "expiry-lost",
    what: "a new leader forgets when a value expires that it writes again",
    file: "leader.ts",
    from: "await this.#writes.write(key, newest.state).done;",
    to:
      "const { expiresMs, ...content } = newest.state.content ?? {};\n" +
      "    const kept = newest.state.content === null ? null : content;\n" +
      "    await this.#writes.write(key, { ...newest.state, content: kept } as never).done;\n" +
      "    void expiresMs;",
  },
  {
    name: "expires-unsettled",
    what: "a leader stops to delete what expires once it has compared all copies",
    file: "leader.ts",
    from: 'mayGoOn: () => this.settled && this.#state === "leading",',
    to: 'mayGoOn: () => !this.settled && this.#state === "leading",',
  },

  // --- deletes that leave no trace --------------------------------------------------------------
  {
    name: "forgets-own-deletes",
    what: "a leader forgets deletes of its own, of which older writes may still be on their way",
    file: "forgetting.ts",
    from: "return compareStamps(stamp, { epoch, ballot, count: 0 }) < 0;",
    to: "return compareStamps(stamp, { epoch, ballot, count: Number.POSITIVE_INFINITY }) < 0;",
  },
  {
    name: "forgets-uncompared",
    what: "a leader forgets deletes that members which it has not compared may lack",
    file: "leader.ts",
    from: 'mayGoOn: () => this.#compared === "all" && this.inStep && this.#state === "leading",',
    to: 'mayGoOn: () => this.settled && this.#state === "leading",',
  },

  // --- the next view ----------------------------------------------------------------------------
  {
    name: "one-source",
    what: "a member begins with what one member of the view before showed",
    file: "gather.ts",
    from: "if (previous.length > 0 && 2 * votes > previous.length) return voters;",
    to: "if (previous.length > 0 && votes > 0) return voters.slice(0, voted ? 0 : 1);",
  },
  {
    name: "unsealed-source",
    what: "a member shows what it has for the next view and goes on in its own",
    file: "replica.ts",
    from: "if (view.epoch < next.epoch && !this.#state.sealed) this.#save({ sealed: true });",
    to: "",
  },
  {
    name: "compared-to-one",
    what: "copies count as compared when one of them has the same as the leader",
    file: "synchronizer.ts",
    from: "return answers.every(Boolean) && !this.#parts.over();",
    to: "return answers.some(Boolean) && !this.#parts.over();",
  },
  {
    name: "vote-does-not-seal",
    what: "a member that accepted a proposal of the next view goes on in its own",
    file: "replica.ts",
    from: "changeAccepted: { ballot, members },\n      sealed: true,",
    to: "changeAccepted: { ballot, members },",
  },
  {
    name: "fresh-proposal",
    what: "a proposal ignores what a majority may have accepted already",
    file: "change.ts",
    from: "const members = accepted?.members ?? proposal.members;",
    to: "const members = accepted === null ? proposal.members : proposal.members;",
  },
  {
    name: "change-promise-not-saved",
    what: "a promise to a proposal of the next view is kept in memory only",
    file: "replica.ts",
    from: "this.#save({ changePromised: ballot });",
    to: "this.#state = { ...this.#state, changePromised: ballot };",
  },
  {
    name: "early-retire",
    what: "records go before all members of the next view have begun",
    file: "partition.ts",
    from: "if (!active.every(Boolean) || present !== epoch",
    to: "if (active.length === 0 || present !== epoch",
  },
  {
    name: "copies-kept",
    what: "what was copied ahead for a move that came to nothing stays",
    file: "partition.ts",
    from: "if (!needed && this.#hasRecords) this.replica.forgetCopies();",
    to: "void needed;",
  },
  {
    name: "waits-for-a-lost-disk",
    what: "a view is not replaced while a member whose disk is lost has not begun in it",
    file: "mover.ts",
    from: "const staying = wanted.filter((member) => isMember(view, member));",
    to: "const staying = view.members;",
  },
  {
    name: "moves-over-and-over",
    what: "a move that failed is tried again at once",
    file: "mover.ts",
    from: "if (context.clock.now() - this.#movedMs < MOVE_RETRY_MS) return false;",
    to: "void [this.#movedMs, MOVE_RETRY_MS];",
  },

  // --- the begin --------------------------------------------------------------------------------
  {
    name: "charter-discarded",
    what: "a founder drops a charter that may be complete for any newer one",
    file: "founding.ts",
    from: "&& older.members.every(({ name }) => names.has(name));",
    to: "&& names.size > 0;",
  },
];
