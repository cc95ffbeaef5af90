/** What the operations of one node share: its ports, tunables, state, peers and lock. */
import { ChordError, codeOf } from "./errors.ts";
import type { Answer, NodeRef } from "./messages.ts";
import type { OperationLock } from "./operation-lock.ts";
import type { ChordOptions } from "./options.ts";
import type { Peers, Verdict } from "./peers.ts";
import type { Ports, Target } from "./ports.ts";
import type { RingState } from "./ring-state.ts";
import type { RoutingView } from "./routing-table.ts";
import { sleep } from "./sleep.ts";

export interface Context {
  readonly ports: Ports;
  readonly options: ChordOptions;
  readonly state: RingState;
  readonly peers: Peers;
  readonly lock: OperationLock;
}

/** What this node answers a lookup's step from. */
export function routingView({ state, peers }: Context): RoutingView {
  const { self, successors, alone, contacts } = state;
  return { self, successors, alone, contacts, healthy: (node) => peers.healthy(node) };
}

/**
 * Asks a peer for predecessor and successors in one atomic reply. A busy peer is alive: it is
 * asked again a few times, after random pauses so that two nodes that wait for each other part.
 */
export async function askState(
  context: Context,
  target: NodeRef | Target,
): Promise<Answer<"state">> {
  const { options, peers, ports } = context;
  for (let attempt = 0; ; attempt++) {
    try {
      return await peers.call<"state">(target, { type: "state" });
    } catch (error) {
      if (codeOf(error) !== "busy" || attempt >= options.busyRetryCount) throw error;
      await sleep(ports.clock, options.busyRetryMs * (0.5 + ports.random.next()));
    }
  }
}

export type Probe =
  | { readonly verdict: "live"; readonly answer: Answer<"state"> }
  | { readonly verdict: Exclude<Verdict, "live"> };

/** The same, with the failure judged instead of thrown. */
export async function probeState(context: Context, node: NodeRef): Promise<Probe> {
  try {
    return { verdict: "live", answer: await askState(context, node) };
  } catch (error) {
    if (!(error instanceof ChordError)) throw error;
    return { verdict: context.peers.verdictOn(node, error) };
  }
}
