/**
 * What a node does while it is in no ring: look for members and join through one, or, where there
 * is certainly no member, found the ring together with the others that wait.
 */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Founding } from "./founding.ts";
import { addressCountMax, helloAll, type Hellos, knownTargets } from "./hello.ts";
import { join } from "./join.ts";
import type { Answer, NodeRef } from "./messages.ts";
import { inRing } from "./peers.ts";
import type { Target } from "./ports.ts";

export class Bootstrap {
  readonly #context: Context;
  readonly #founding: Founding;
  /** Addresses of nodes that said hello: they may be known sooner here than by discovery. */
  readonly #callers = new Set<string>();
  #detail = "Looks for its ring";
  /** A member of the ring that this node gave way to: through others it might join its old one. */
  #preferred: NodeRef | null = null;

  constructor(context: Context, founding: Founding) {
    this.#context = context;
    this.#founding = founding;
  }

  /** What the node waits for, as a sentence. */
  get detail(): string {
    return this.#detail;
  }

  /** Another node in search of the ring said where it is. */
  heardFrom(address: string): void {
    if (this.#callers.size >= addressCountMax) this.#callers.clear();
    this.#callers.add(address);
  }

  /** Join through this node if it is a member. */
  prefer(node: NodeRef): void {
    this.#preferred = node;
  }

  /** One look around. */
  async round(): Promise<void> {
    const { state, ports } = this.#context;
    if (state.state !== "waiting") return;
    const hellos = await helloAll(this.#context, await this.#targets());
    if (state.state !== "waiting") return;
    const through = this.#bestMember(hellos);
    const before = this.#detail;
    this.#detail =
      through === null
        ? await this.#founding.attempt(hellos)
        : await this.#joinThrough(through.self);
    if (this.#detail !== before) ports.log.info("Bootstrap", { detail: this.#detail });
  }

  async #targets(): Promise<Target[]> {
    const { seed } = this.#context.ports.discovery;
    const targets = await knownTargets(this.#context, this.#callers);
    return seed === null ? targets : [{ address: seed, name: null }, ...targets];
  }

  /** A member of the ring with the highest epoch; which one, the seed Service or chance decides. */
  #bestMember({ answers }: Hellos): Answer<"hello"> | null {
    const members = answers.filter((answer) => inRing(answer.reply.state));
    const newest = Math.max(...members.map((answer) => answer.epoch));
    const choice = members.filter((answer) => answer.epoch === newest);
    const preferred = choice.find((answer) => answer.self.id === this.#preferred?.id);
    const index = Math.floor(this.#context.ports.random.next() * choice.length);
    return preferred ?? choice[index] ?? null;
  }

  async #joinThrough(target: Target): Promise<string> {
    const { state, lock } = this.#context;
    state.setState("joining");
    try {
      await lock.run(() => join(this.#context, target));
      this.#preferred = null;
      return "In the ring";
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      return `Could not join through ${target.name ?? target.address} yet: ${error.message}`;
    } finally {
      if (state.state === "joining") state.setState("waiting");
    }
  }
}
