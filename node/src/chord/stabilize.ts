/**
 * Stabilize, in two steps, and rectify: how pointers follow joins and failures.
 * Source: Zave, "Reasoning about identifier spaces" (IEEE TSE 43(12), 2017); it differs from the
 * Chord papers in that a node adopts no pointer before it contacted the node, copies whole lists,
 * and replaces a predecessor only after asking it.
 */
import { type Context, probeState } from "./context.ts";
import { between } from "./id.ts";
import { ChordError } from "./errors.ts";
import { helloAll, knownTargets } from "./hello.ts";
import type { NodeRef, StateReply } from "./messages.ts";
import { inRing, type Verdict } from "./peers.ts";
import type { StabilizeResult } from "./ports.ts";
import { sameNode } from "./successor-list.ts";

/** What a run of stabilize did, and whether the node has lost every successor. */
export interface Stabilized {
  readonly result: StabilizeResult;
  readonly exhausted: boolean;
}

const done = (result: StabilizeResult): Stabilized => ({ result, exhausted: false });

/** One stabilization, to be run under the node's lock. Tries the list until one answers. */
export async function stabilize(context: Context): Promise<Stabilized> {
  const { state, options } = context;
  const { generation } = state;
  let failed = false;
  // It may have waited for the lock while this node gave its membership up.
  if (!state.member) return done("error");
  for (let attempt = 0; attempt <= options.successors; attempt++) {
    const successor = state.successors[0];
    if (successor === undefined) return await stabilizeAlone(context, failed);
    const probe = await probeState(context, successor);
    if (state.generation !== generation) return done("error");
    if (probe.verdict === "live") {
      const changed = await follow(context, probe.answer.self, probe.answer.reply);
      if (failed) return done("successor-failed");
      return done(changed ? "changed" : "unchanged");
    }
    if (probe.verdict === "busy") return done("busy");
    if (probe.verdict === "silent") {
      pingAll(context, state.successors.slice(1));
      return done("inconclusive");
    }
    state.dropSuccessor(successor);
    failed = true;
  }
  return done("successor-failed");
}

/**
 * Asks the nodes behind a silent successor too: where neighbours died together, their suspicions
 * then run side by side instead of one after the other.
 */
function pingAll(context: Context, nodes: readonly NodeRef[]): void {
  for (const node of nodes) {
    context.peers.call<"ping">(node, { type: "ping" }).catch(() => undefined);
  }
}

/** Step one: copy the successor's list. Step two: ask the node between, if there is one. */
async function follow(context: Context, successor: NodeRef, reply: StateReply): Promise<boolean> {
  const { state } = context;
  const { generation } = state;
  let changed = state.adoptSuccessor(successor, reply);
  const candidate = reply.predecessor;
  if (candidate !== null && between(state.self.id, candidate.id, successor.id)) {
    const probe = await probeState(context, candidate);
    if (state.generation !== generation) return changed;
    if (probe.verdict === "live") {
      changed = state.adoptSuccessor(probe.answer.self, probe.answer.reply) || changed;
      await notifySuccessor(context, probe.answer.reply.predecessor);
      return changed;
    }
  }
  await notifySuccessor(context, candidate);
  return changed;
}

/** A ring of one, or a node whose last successor has just failed. */
async function stabilizeAlone(context: Context, failed: boolean): Promise<Stabilized> {
  const { state } = context;
  if (!state.complete) return { result: "successor-failed", exhausted: true };
  const { generation, predecessor } = state;
  if (predecessor === null || predecessor.id === state.self.id) {
    return await becomeAlone(context, { lost: failed, silent: null });
  }
  const probe = await probeState(context, predecessor);
  if (state.generation !== generation) return done("error");
  if (probe.verdict === "live") {
    state.adoptSuccessor(probe.answer.self, probe.answer.reply);
    await notifySuccessor(context, probe.answer.reply.predecessor);
    return done("changed");
  }
  if (probe.verdict !== "gone") return done("inconclusive");
  const silent = context.peers.suspected(predecessor) ? predecessor : null;
  return await becomeAlone(context, { lost: true, silent });
}

interface Loss {
  /** Whether there were others until just now: then a look around decides. */
  readonly lost: boolean;
  /** The last of them, if it was given up for its silence and not by its own word. */
  readonly silent: NodeRef | null;
}

async function becomeAlone(context: Context, { lost, silent }: Loss): Promise<Stabilized> {
  const { state, peers } = context;
  const { generation } = state;
  if (lost && (await othersExist(context))) return { result: "successor-failed", exhausted: true };
  if (state.generation !== generation || state.successors.length > 0) return done("error");
  // It answered meanwhile: then it lives, and is asked again.
  if (silent !== null && !peers.suspected(silent)) return done("inconclusive");
  state.becomeAlone();
  return done(lost ? "successor-failed" : "unchanged");
}

/**
 * Whether name service knows a member of this ring that this node has lost: then it is not alone,
 * and must not serve the whole circle until the census notices.
 */
async function othersExist(context: Context): Promise<boolean> {
  const { state } = context;
  const { generation, epoch } = state;
  const { answers } = await helloAll(context, await knownTargets(context));
  const members = answers.filter(({ reply }) => inRing(reply.state));
  if (state.generation === generation) {
    state.rememberLeads(members.filter((one) => one.epoch === epoch).map(({ self }) => self));
  }
  return members.some((answer) => answer.epoch >= epoch);
}

/**
 * Every successor is gone at once, which is more than the list was made for. Any living member
 * will do as the next one: stabilization then walks back from it, a predecessor at a time.
 * False when none is left; true also while one is busy or silent: it may live, and is asked again.
 */
export async function recover(context: Context): Promise<boolean> {
  const { state, ports } = context;
  const { generation, predecessor } = state;
  if (!state.member) return true;
  let unknown = false;
  const others = predecessor === null ? state.leads : [...state.leads, predecessor];
  for (const node of [...others, ...state.contacts]) {
    if (node.id === state.self.id) continue;
    const probe = await probeState(context, node);
    if (state.generation !== generation || state.successors.length > 0) return true;
    if (probe.verdict !== "live") {
      unknown ||= probe.verdict !== "gone";
      continue;
    }
    state.adoptSuccessor(probe.answer.self, probe.answer.reply);
    ports.log.warn("Lost every successor, went on with another member", {
      successor: probe.answer.self.name,
    });
    await notifySuccessor(context, probe.answer.reply.predecessor);
    return true;
  }
  return unknown;
}

/**
 * Tells the first successor that this node may be its predecessor, unless it just said so itself:
 * then the notify would have no effect.
 */
async function notifySuccessor(context: Context, known: NodeRef | null): Promise<void> {
  const { state, peers } = context;
  const successor = state.successors[0];
  if (successor === undefined || sameNode(known, state.self)) return;
  try {
    await peers.call<"notify">(successor, { type: "notify" });
  } catch (error) {
    // The next stabilization finds out what became of it.
    if (!(error instanceof ChordError)) throw error;
  }
}

/**
 * A node says that it may be our predecessor. True when the matter is settled, false when the
 * old predecessor is silent and not yet suspected: then ask again later.
 */
export async function rectify(context: Context, candidate: NodeRef): Promise<boolean> {
  const { state } = context;
  const old = state.predecessor;
  if (!state.member || candidate.id === state.self.id) return true;
  if (old === null || old.id === candidate.id || between(old.id, candidate.id, state.self.id)) {
    state.setPredecessor(candidate);
    return true;
  }
  const { generation } = state;
  const verdict = await pingVerdict(context, old);
  if (state.generation !== generation || !sameNode(state.predecessor, old)) return true;
  if (verdict === "gone") state.setPredecessor(candidate);
  return verdict === "live" || verdict === "gone";
}

/** Whether a node answers as a member of this ring, or of the one with the given epoch. */
export async function pingVerdict(
  context: Context,
  node: NodeRef,
  epoch = context.state.epoch,
): Promise<Verdict> {
  try {
    const answer = await context.peers.call<"ping">(node, { type: "ping" });
    return inRing(answer.reply.state) && answer.epoch === epoch ? "live" : "gone";
  } catch (error) {
    if (!(error instanceof ChordError)) throw error;
    return context.peers.verdictOn(node, error);
  }
}
