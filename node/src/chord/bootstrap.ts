/**
 * What a node does while it is in no ring: look for members and join through one, or, where there
 * is certainly no member, found the ring together with the others that wait.
 */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Founding } from "./founding.ts";
import { join } from "./join.ts";
import type { Answer } from "./messages.ts";
import { inRing } from "./peers.ts";
import type { Target } from "./ports.ts";

/** Addresses asked in one round, and remembered from those who asked this node. */
const addressCountMax = 256;

export class Bootstrap {
  readonly #context: Context;
  readonly #founding: Founding;
  /** Addresses of nodes that said hello: they may be known sooner here than by discovery. */
  readonly #callers = new Set<string>();
  #detail = "Looks for its ring";

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

  /** One look around. */
  async round(): Promise<void> {
    const { state, ports } = this.#context;
    if (state.state !== "waiting") return;
    const answers = await this.#hello(await this.#targets());
    if (state.state !== "waiting") return;
    const through = this.#bestMember(answers);
    const before = this.#detail;
    this.#detail =
      through === null
        ? await this.#founding.attempt(answers)
        : await this.#joinThrough(through.self);
    if (this.#detail !== before) ports.log.info("Bootstrap", { detail: this.#detail });
  }

  /** Asks each address who is there; addresses without an answer are left out. */
  async #hello(targets: readonly Target[]): Promise<Answer<"hello">[]> {
    const { peers, state } = this.#context;
    const answers = await Promise.all(
      targets.map(async (target) => {
        try {
          return await peers.call<"hello">(target, { type: "hello" });
        } catch (error) {
          if (!(error instanceof ChordError)) throw error;
          return null;
        }
      }),
    );
    const others = new Map<string, Answer<"hello">>();
    for (const answer of answers) {
      if (answer !== null && answer.self.id !== state.self.id) others.set(answer.self.id, answer);
    }
    return [...others.values()];
  }

  async #targets(): Promise<Target[]> {
    const { discovery } = this.#context.ports;
    const addresses = new Set<string>(this.#callers);
    for (const address of await discovery.addresses()) addresses.add(address);
    addresses.delete(this.#context.state.self.address);
    const targets = [...addresses].slice(0, addressCountMax);
    if (discovery.seed !== null) targets.unshift(discovery.seed);
    return targets.map((address) => ({ address, name: null }));
  }

  /** A member of the ring with the highest epoch; which one, the seed Service or chance decides. */
  #bestMember(answers: readonly Answer<"hello">[]): Answer<"hello"> | null {
    const members = answers.filter((answer) => inRing(answer.reply.state));
    const newest = Math.max(...members.map((answer) => answer.epoch));
    const choice = members.filter((answer) => answer.epoch === newest);
    return choice[Math.floor(this.#context.ports.random.next() * choice.length)] ?? null;
  }

  async #joinThrough(target: Target): Promise<string> {
    const { state, lock } = this.#context;
    state.setState("joining");
    try {
      await lock.run(() => join(this.#context, target));
      return "In the ring";
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      return `Could not join through ${target.name ?? target.address} yet: ${error.message}`;
    } finally {
      if (state.state === "joining") state.setState("waiting");
    }
  }
}
