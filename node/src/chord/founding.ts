/**
 * How a ring begins, for the first time or after all of its nodes were down.
 *
 * Zave's proof starts from an ideal ring of r+1 nodes, so a ring is never grown from one node by
 * accident: nodes that find no member anywhere wait for each other, and the one with the lowest
 * name among them starts all at once. The electorate is the names that the waiting nodes remember
 * from their disks, or the configured founders where nobody remembers any; less those who say that
 * they left.
 *
 * What is remembered can be too little: who lost sight of all others, cut off or starved, remembers
 * itself alone. So a ring is not founded anew while as many nodes as would found it are said to
 * exist and do not answer: they may well be the ring.
 *
 * Invariant: a ring is founded only with promises of a majority of the electorate, each node
 * promises to one founder at a time, and each founding has a higher epoch than all it replaces.
 */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Hellos } from "./hello.ts";
import type { Answer, NodeRef, Replies } from "./messages.ts";

/** A promise to a founder who then falls silent ends after this time. */
const promiseMs = 5000;

interface Electorate {
  readonly names: ReadonlySet<string>;
  /** From the disks, so that there was a ring. */
  readonly remembered: boolean;
}

interface Promised {
  readonly to: string;
  readonly epoch: number;
  readonly untilMs: number;
}

export class Founding {
  readonly #context: Context;
  #promised: Promised | null = null;
  /** The highest epoch that a node which refused to promise told of. */
  #refusedEpoch = 0;
  #present = "";
  #presentSinceMs = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** One attempt, knowing which nodes wait. Gives a sentence that tells what is still missing. */
  async attempt({ answers, silent }: Hellos): Promise<string> {
    const { state, ports } = this.#context;
    const waiting = [
      state.self,
      ...answers.filter((answer) => answer.reply.state === "waiting").map((answer) => answer.self),
    ];
    const { names, remembered } = await this.#electorate(answers);
    const present = waiting.filter((node) => names.has(node.name));
    const obstacle = this.#obstacle(names, present);
    if (obstacle !== null) return obstacle;
    const listed = remembered ? await ports.discovery.addresses() : [];
    const unheard = listed.filter((address) => silent.has(address)).length;
    if (unheard >= present.length) return `Waits for ${unheard} nodes that do not answer`;
    const rememberedEpochs = answers.map((answer) => answer.reply.rememberedEpoch);
    const own = Math.max(this.#rememberedEpoch, this.#promised?.epoch ?? 0, this.#refusedEpoch);
    const epoch = Math.max(own, ...rememberedEpochs);
    return await this.#found(epoch + 1, waiting, names);
  }

  /** Answers a founder's `prepare`. */
  prepare(from: NodeRef, epoch: number): Replies["prepare"] {
    const { state, ports } = this.#context;
    const promised =
      state.state === "waiting" && epoch > this.#rememberedEpoch && this.#mayPromise(from, epoch);
    if (promised) {
      this.#promised = { to: from.name, epoch, untilMs: ports.clock.now() + promiseMs };
    }
    return { promised, epoch: Math.max(this.#rememberedEpoch, this.#promised?.epoch ?? 0) };
  }

  /** One founder at a time, and never the same epoch to two, however long ago the first asked. */
  #mayPromise(from: NodeRef, epoch: number): boolean {
    const other = this.#promised;
    if (other === null || other.to === from.name) return true;
    return this.#context.ports.clock.now() >= other.untilMs && epoch > other.epoch;
  }

  /** Answers a founder's `start`: becomes a member if that is what was promised. */
  start(from: NodeRef, epoch: number, members: readonly NodeRef[]): Replies["start"] {
    const { state } = this.#context;
    const promised = this.#promised?.to === from.name && this.#promised.epoch === epoch;
    const named = members.some((node) => node.id === state.self.id);
    if (!promised || !named || state.state !== "waiting") return { started: false };
    this.#begin(epoch, members);
    return { started: true };
  }

  get #rememberedEpoch(): number {
    const { ports, options } = this.#context;
    const record = ports.record.load();
    return record?.ring === options.ring ? record.epoch : 0;
  }

  async #electorate(answers: readonly Answer<"hello">[]): Promise<Electorate> {
    const { ports, options } = this.#context;
    const record = ports.record.load();
    const own = record?.ring === options.ring ? record.names : [];
    const remembered = new Set([...own, ...answers.flatMap((answer) => answer.reply.remembered)]);
    const names = remembered.size > 0 ? remembered : new Set(await ports.discovery.founders());
    // Whoever left on request says so itself: its vote is neither needed nor to be had.
    for (const { reply, self } of answers) if (reply.state === "left") names.delete(self.name);
    return { names, remembered: remembered.size > 0 };
  }

  /** Why this node should not found a ring now; null when it should. */
  #obstacle(electorate: ReadonlySet<string>, present: readonly NodeRef[]): string | null {
    const { state, ports, options } = this.#context;
    const names = present.map((node) => node.name).sort();
    const key = names.join();
    if (key !== this.#present) {
      this.#present = key;
      this.#presentSinceMs = ports.clock.now();
    }
    const missing = [...electorate].filter((name) => !names.includes(name)).sort();
    if (!electorate.has(state.self.name)) return "Waits for a ring to join";
    const waits = `Waits for ${missing.join(", ")} to start a ring together`;
    if (2 * names.length <= electorate.size) return waits;
    const quietMs = ports.clock.now() - this.#presentSinceMs;
    if (missing.length > 0 && quietMs < options.foundingPatienceMs) return waits;
    return names[0] === state.self.name ? null : `Waits for ${names[0]} to start the ring`;
  }

  async #found(
    epoch: number,
    waiting: readonly NodeRef[],
    electorate: ReadonlySet<string>,
  ): Promise<string> {
    const { state } = this.#context;
    const others = waiting.filter((node) => node.id !== state.self.id);
    if (!this.prepare(state.self, epoch).promised) return "Waits for another node's founding";
    const promised = [
      state.self,
      ...(await this.#collect(others, (node) => this.#ask(node, epoch))),
    ];
    const votes = promised.filter((node) => electorate.has(node.name)).length;
    if (2 * votes <= electorate.size) return "Too few nodes promised to start a ring, tries again";
    const listeners = promised.filter((node) => node.id !== state.self.id);
    const started = await this.#collect(listeners, (node) => this.#tell(node, epoch, promised));
    if (listeners.length > 0 && started.length === 0) return "No node started, tries again";
    if (state.state === "waiting") this.#begin(epoch, promised);
    return "Started the ring";
  }

  async #ask(node: NodeRef, epoch: number): Promise<boolean> {
    const { reply } = await this.#context.peers.call<"prepare">(node, { type: "prepare", epoch });
    if (!reply.promised) this.#refusedEpoch = Math.max(this.#refusedEpoch, reply.epoch);
    return reply.promised;
  }

  async #tell(node: NodeRef, epoch: number, members: readonly NodeRef[]): Promise<boolean> {
    const { peers, state } = this.#context;
    const { reply } = await peers.call<"start">(node, { type: "start", epoch, members });
    // With the first one the ring exists: those that started must not find their founder outside.
    if (reply.started && state.state === "waiting") this.#begin(epoch, members);
    return reply.started;
  }

  /** The nodes that said yes; one that does not answer said no. */
  async #collect(
    nodes: readonly NodeRef[],
    question: (node: NodeRef) => Promise<boolean>,
  ): Promise<NodeRef[]> {
    const yes = await Promise.all(
      nodes.map(async (node) => {
        try {
          return await question(node);
        } catch (error) {
          if (!(error instanceof ChordError)) throw error;
          return false;
        }
      }),
    );
    return nodes.filter((_, index) => yes[index] === true);
  }

  #begin(epoch: number, members: readonly NodeRef[]): void {
    this.#promised = null;
    this.#context.state.becomeFounder(epoch, members);
    this.#context.ports.log.info("Started in a new ring", { epoch, members: members.length });
  }
}
