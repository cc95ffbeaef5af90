/** Tells members their view, and keeps in mind who has begun in it. */
import { ReplicationError } from "./errors.ts";
import type { PlacedView } from "./messages.ts";
import type { NodeContext } from "./node-context.ts";
import type { Member, View } from "./view.ts";

export class Announcer {
  readonly #context: NodeContext;
  readonly #number: number;
  /** Members of the present view that are known to be active in it. */
  #active: { readonly epoch: number; readonly names: Set<string> } = { epoch: 0, names: new Set() };

  constructor(context: NodeContext, partition: number) {
    this.#context = context;
    this.#number = partition;
  }

  /** Tells a member its view; whether it is active in it, or in a later one. */
  async tell(placed: PlacedView, { name }: Member): Promise<boolean> {
    const { peers, self } = this.#context;
    if (name === self.name) return false;
    try {
      const request = { type: "announce", partition: this.#number, placed } as const;
      const { active } = await peers.call<"announce">(name, request);
      if (active) this.#note(placed.view, name);
      return active;
    } catch (error) {
      if (error instanceof ReplicationError) return false;
      throw error;
    }
  }

  /** Tells those of whom it is not known that they have begun. */
  tellIdle(placed: PlacedView): Promise<unknown> {
    const { view } = placed;
    const idle = view.members.filter(({ name }) => !this.#isActive(view, name));
    return Promise.all(idle.map((member) => this.tell(placed, member)));
  }

  /** Whether all of these have begun in the view, as far as is known; this node has. */
  areActive(view: View, members: readonly Member[]): boolean {
    const { self } = this.#context;
    return members.every(({ name }) => name === self.name || this.#isActive(view, name));
  }

  #isActive(view: View, name: string): boolean {
    return this.#active.epoch === view.epoch && this.#active.names.has(name);
  }

  #note(view: View, name: string): void {
    if (this.#active.epoch < view.epoch) this.#active = { epoch: view.epoch, names: new Set() };
    if (this.#active.epoch === view.epoch) this.#active.names.add(name);
  }
}
