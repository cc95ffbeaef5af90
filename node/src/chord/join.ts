/**
 * Join: find the node before this one, copy its whole successor list, become a member. It changes
 * nobody else; stabilization does the rest (Zave 2017).
 */
import { askState, type Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import { between } from "./id.ts";
import { lookup, resolve } from "./lookup.ts";
import type { Answer } from "./messages.ts";
import type { Target } from "./ports.ts";
import { type SuccessorList, successorList } from "./successor-list.ts";

/** Each step passes up to r nodes that the lookup had not heard of: very many need another try. */
const stepCountMax = 64;

/** Joins through any member. Rejects with `ChordError`, and then nothing has changed. */
export async function join(context: Context, through: Target): Promise<void> {
  const { state, ports } = context;
  const { generation } = state;
  const before = await findPredecessor(context, through);
  if (state.generation !== generation || state.state !== "joining") return;
  state.becomeMember(before.epoch, listAfter(context, before), before.self);
  ports.log.info("Joined the ring", { predecessor: before.self.name, epoch: before.epoch });
  await hintPredecessor(context, before);
}

/**
 * The state of the member that precedes this node, as one atomic reply: nobody in its list stands
 * before this node, so the first entry stands behind it.
 */
async function findPredecessor(context: Context, through: Target): Promise<Answer<"state">> {
  const { self } = context.state;
  const steps = lookup(context, self.id, { start: through, exclude: [self.name], verify: false });
  const last = (await resolve(steps)).path.at(-1);
  if (last === undefined) throw new ChordError("no-route", "The lookup visited no node");
  // That node knows the owner, from several places before it perhaps: walk its list to the end.
  let before = await askState(context, last.node);
  for (let step = 0; step < stepCountMax; step++) {
    const from = before.self.id;
    const nearer = before.reply.successors.findLast((node) => between(from, node.id, self.id));
    if (nearer === undefined) return before;
    before = await askState(context, nearer);
  }
  throw new ChordError("no-route", "The nodes before this one are too many just now");
}

/** The joiner's list: its predecessor's, without an earlier self that is not forgotten yet. */
function listAfter(context: Context, before: Answer<"state">): SuccessorList {
  const { self } = context.state;
  const heard = before.reply.successors.filter((node) => node.id !== self.id);
  // Where the predecessor knew nobody but our earlier self, it is the only way back in:
  // stabilization walks back from it to the right successor. Else nothing is put behind the list,
  // even where the predecessor took it for the whole ring: somebody may have joined since.
  if (heard.length === 0) heard.push(before.self);
  return successorList(self.id, heard, context.options.successors);
}

/** Lets the predecessor stabilize now rather than at its next turn. */
async function hintPredecessor(context: Context, before: Answer<"state">): Promise<void> {
  try {
    await context.peers.call<"hint">(before.self, {
      type: "hint",
      leaving: false,
      successors: [],
    });
  } catch (error) {
    if (!(error instanceof ChordError)) throw error;
  }
}
