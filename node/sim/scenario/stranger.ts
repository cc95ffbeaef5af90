/**
 * A host that holds the ring's token and forges, word for word as a scenario says: it sends
 * requests in the name of any node, and answers in one chosen name with one chosen list.
 */
import {
  type Answer,
  ChordError,
  type Envelope,
  type NodeRef,
  type Replies,
  type Request,
} from "../../src/chord/index.ts";
import type { Host } from "../network.ts";
import { type Stage, strangerAddress } from "./stage.ts";

/** What it says of itself when it is asked. */
export interface Pretence {
  readonly self: NodeRef;
  readonly predecessor: NodeRef | null;
  readonly successors: readonly NodeRef[];
}

export class Stranger implements Host {
  readonly name = "stranger";
  readonly address = strangerAddress;
  pausedUntilMs = 0;
  slowMs = 0;
  pretence: Pretence | null = null;
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.world.network.hosts.set(this.address, this);
    stage.hostile = true;
  }

  /** Sends one forged request; gives the answer or the refusal. */
  send(to: string, from: NodeRef, epoch: number, request: Request): Promise<Answer> {
    const envelope: Envelope = { ring: "sim", epoch, from, to };
    const { address } = this.#stage.node(to);
    return this.#stage.world.network
      .transportFrom(this)
      .call({ address, name: to }, envelope, request, 500);
  }

  handle(_envelope: Envelope, request: Request): Answer {
    if (this.pretence === null) throw new ChordError("not-member", "The stranger says nothing");
    return { self: this.pretence.self, epoch: this.#epoch(), reply: this.#reply(request) };
  }

  #epoch(): number {
    return Math.max(...this.#stage.nodes().map((node) => node.chord.epoch));
  }

  #reply(request: Request): Replies[Request["type"]] {
    const { predecessor = null, successors = [] } = this.pretence ?? {};
    const epoch = this.#epoch();
    const replies: Replies = {
      ping: { state: "member", predecessor },
      state: { predecessor, successors },
      next: { step: "owner", nodes: successors },
      hello: { state: "member", remembered: [], rememberedEpoch: epoch },
      prepare: { promised: true, epoch },
      start: { started: true },
      notify: {},
      hint: {},
    };
    return replies[request.type];
  }
}
