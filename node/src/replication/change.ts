/**
 * The decision on a partition's next view: one instance of single-decree Paxos whose acceptors are
 * the members of the present view. Whoever accepted any proposal is sealed, so that once a view is
 * decided no majority of the one before it can be had any more (Vertical Paxos has the idea; rule
 * Q3 in docs/consistency.md).
 */
import { nextBallot } from "./ballot.ts";
import { ReplicationError } from "./errors.ts";
import type { Peers } from "./peers.ts";
import { quorum } from "./quorum.ts";
import type { Replica } from "./replica.ts";
import type { AcceptedChange, Disk } from "./store.ts";
import type { Member, View } from "./view.ts";

export interface ChangeParts {
  readonly partition: number;
  readonly replica: Replica;
  readonly disk: Disk;
  readonly peers: Peers;
}

export interface Proposal {
  readonly members: readonly Member[];
  /** Ballots up to this one are taken. */
  readonly above: number;
  /** Asked before anybody is sealed, as time has passed since it was made. */
  readonly stillWanted: () => boolean;
}

/**
 * Has the members agree on what follows the replica's view, and tells it: this proposal, or one
 * that was accepted before. Rejects if no majority agrees now; it may be asked again.
 */
export async function decideNextView(
  { partition, replica, disk, peers }: ChangeParts,
  proposal: Proposal,
): Promise<View> {
  const { self, view } = replica;
  const above = Math.max(replica.changePromised, proposal.above);
  const lead = { partition, epoch: view.epoch, ballot: nextBallot(view, self, above) };
  const others = view.members.filter(({ name }) => name !== self.name).map(({ name }) => name);
  const needed = Math.floor(view.members.length / 2);

  let accepted = replica.promiseChange(lead.epoch, lead.ballot);
  await disk.durable();
  const promises = await quorum(
    others.map((name) => peers.call<"promise-change">(name, { type: "promise-change", ...lead })),
    needed,
  );
  for (const promise of promises) accepted = higher(accepted, promise.accepted);
  const members = accepted?.members ?? proposal.members;

  if (!proposal.stillWanted()) {
    throw new ReplicationError("unavailable", "the partition has another leader by now");
  }
  replica.acceptChange(lead.epoch, lead.ballot, members);
  await disk.durable();
  await quorum(
    others.map((name) =>
      peers.call<"accept-change">(name, { type: "accept-change", ...lead, members }),
    ),
    needed,
  );
  return { epoch: view.epoch + 1, members };
}

function higher(a: AcceptedChange | null, b: AcceptedChange | null): AcceptedChange | null {
  if (a === null || b === null) return a ?? b;
  return b.ballot > a.ballot ? b : a;
}
