/**
 * The answering side: checks who speaks and of which ring, then reads or changes this node.
 * Nothing here waits for another node, so a request never holds one elsewhere.
 */
import { type Context, routingView } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Founding } from "./founding.ts";
import type { Answer, Envelope, NodeRef, Replies, Request, RequestOf } from "./messages.ts";
import { refsOfRequest } from "./refs.ts";
import { nextStep } from "./routing-table.ts";

/** What a request may set in motion on this node. */
export interface Reactions {
  /** A node says that it precedes this one. */
  notified(from: NodeRef): void;
  /** The ring changed nearby; `leads` are nodes that a leaving one named. */
  hinted(leads: readonly NodeRef[]): void;
  /** A node that looks for the ring called from this address. */
  heardFrom(address: string): void;
  /** Someone claims to be in a ring with a higher epoch. */
  doubted(): void;
}

export class Server {
  readonly #context: Context;
  readonly #founding: Founding;
  readonly #reactions: Reactions;

  constructor(context: Context, founding: Founding, reactions: Reactions) {
    this.#context = context;
    this.#founding = founding;
    this.#reactions = reactions;
  }

  /** Answers one request or throws the `ChordError` that refuses it. */
  handle(envelope: Envelope, request: Request): Answer {
    this.#checkIdentity(envelope, request);
    const reply = this.#reply(envelope, request);
    const { state } = this.#context;
    return { self: state.self, epoch: state.epoch, reply };
  }

  #checkIdentity(envelope: Envelope, request: Request): void {
    const { options, state, ports } = this.#context;
    if (envelope.ring !== options.ring) {
      throw new ChordError("wrong-ring", "This node belongs to another ring");
    }
    if (envelope.to !== null && envelope.to !== state.self.name) {
      throw new ChordError("wrong-node", `This is ${state.self.name}, not ${envelope.to}`);
    }
    for (const node of [envelope.from, ...refsOfRequest(request)]) {
      if (ports.hash.idOf(node.name) === node.id) continue;
      throw new ChordError("forged", `The id given for ${node.name} is not the hash of its name`);
    }
    if (envelope.from.id === state.self.id && envelope.from.address !== state.self.address) {
      throw new ChordError("forged", `Another process claims to be ${state.self.name}`);
    }
  }

  #reply(envelope: Envelope, request: Request): Replies[Request["type"]] {
    const { state } = this.#context;
    switch (request.type) {
      case "ping":
        return { state: state.state, predecessor: state.predecessor };
      case "hello":
        return this.#hello(envelope.from);
      case "prepare":
        return this.#founding.prepare(envelope.from, request.epoch);
      case "start":
        return this.#founding.start(envelope.from, request.epoch, request.members);
      case "hint":
        this.#reactions.hinted(request.leaving ? request.successors : []);
        return {};
      case "state":
        this.#checkEpoch(envelope, "or-outsider");
        return this.#state();
      case "notify":
        this.#checkEpoch(envelope, "members-only");
        this.#reactions.notified(envelope.from);
        return {};
      case "next":
        this.#checkEpoch(envelope, "or-outsider");
        return this.#next(request);
    }
  }

  /** Only members of the same ring may act in it; a joiner, with epoch 0, may read. */
  #checkEpoch(envelope: Envelope, who: "members-only" | "or-outsider"): void {
    const { state } = this.#context;
    if (!state.member) throw new ChordError("not-member", `${state.self.name} is ${state.state}`);
    if (envelope.epoch === state.epoch) return;
    if (envelope.epoch === 0 && who === "or-outsider") return;
    if (envelope.epoch > state.epoch) this.#reactions.doubted();
    throw new ChordError("wrong-epoch", `This ring has epoch ${state.epoch}`, {
      epoch: state.epoch,
    });
  }

  #state(): Replies["state"] {
    const { state, lock } = this.#context;
    if (lock.busy) throw new ChordError("busy", "In the middle of an operation, ask again");
    const { predecessor, successors } = state;
    return { predecessor, successors };
  }

  #next(request: RequestOf<"next">): Replies["next"] {
    return nextStep(routingView(this.#context), request);
  }

  #hello(from: NodeRef): Replies["hello"] {
    const { state, ports, options } = this.#context;
    this.#reactions.heardFrom(from.address);
    const record = ports.record.load();
    const own = record?.ring === options.ring ? record : null;
    return {
      state: state.state,
      remembered: own?.names ?? [],
      rememberedEpoch: own?.epoch ?? 0,
    };
  }
}
