/**
 * A host that knows the ring's token and lies: it sends forged notifies, hints, promises and
 * starts, and answers whatever it is asked with made-up nodes, lists and epochs. Nothing it says
 * may put a list out of order, and once it is gone the ring must heal by itself.
 */
import {
  type Answer,
  ChordError,
  type Envelope,
  type NodeRef,
  type Replies,
  type Request,
  type RequestType,
} from "../src/chord/index.ts";
import type { Host } from "./network.ts";
import type { SeededRandom } from "./random.ts";
import type { World } from "./world.ts";

const attackIntervalMs = 100;
const addressOfHost = "10.66.6.6:8081";

export class Hostile implements Host {
  readonly name = "hostile";
  readonly address = addressOfHost;
  pausedUntilMs = 0;
  slowMs = 0;
  readonly #world: World;
  readonly #random: SeededRandom;

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    const { network, strayAddresses, scheduler } = this.#world;
    network.hosts.set(this.address, this);
    strayAddresses.add(this.address);
    this.#world.staleSeeds = [...this.#world.seeds(), this.address];
    scheduler.after(attackIntervalMs, () => this.#attack());
  }

  stop(): void {
    const { network, strayAddresses } = this.#world;
    network.hosts.delete(this.address);
    strayAddresses.delete(this.address);
    this.#world.staleSeeds = null;
  }

  /** Answers every request in the right form and with wrong content. */
  handle(envelope: Envelope, request: Request): Answer {
    if (this.#random.chance(0.1)) {
      throw new ChordError("wrong-epoch", "A lie", { epoch: this.#epoch() });
    }
    const name = this.#random.chance(0.7) ? (envelope.to ?? this.name) : this.#anyName();
    const self = { name, id: this.#world.idOf(name), address: this.address };
    return { self, epoch: this.#epoch(), reply: this.#reply(request.type) };
  }

  #attack(): void {
    if (this.#world.network.hosts.get(this.address) !== this) return;
    const target = this.#random.pick([...this.#world.running.values()]);
    if (target !== undefined) {
      const transport = this.#world.network.transportFrom(this);
      const to = { address: target.address, name: null };
      const from = this.#node();
      const envelope: Envelope = { ring: "sim", epoch: this.#epoch(), from, to: null };
      transport.call(to, envelope, this.#request(), 500).catch(() => undefined);
    }
    this.#world.scheduler.after(attackIntervalMs, () => this.#attack());
  }

  #request(): Request {
    const requests: Request[] = [
      { type: "notify" },
      { type: "hint", leaving: true, successors: this.#nodes() },
      { type: "prepare", epoch: this.#epoch() },
      { type: "start", epoch: this.#epoch(), members: this.#nodes() },
      { type: "hello" },
    ];
    return this.#random.pick(requests) as Request;
  }

  #reply(type: RequestType): Replies[RequestType] {
    const state = "member";
    switch (type) {
      case "ping":
        return { state, predecessor: this.#node() };
      case "state":
        return { predecessor: this.#node(), successors: this.#nodes() };
      case "next":
        return { step: this.#random.chance(0.5) ? "owner" : "forward", nodes: this.#nodes() };
      case "hello":
        return {
          state,
          remembered: this.#nodes().map((node) => node.name),
          rememberedEpoch: this.#epoch(),
        };
      case "prepare":
        return { promised: true, epoch: this.#epoch() };
      case "start":
        return { started: true };
      case "notify":
      case "hint":
        return {};
    }
  }

  /** Near the ring's own epoch: far ones are refused at once and so do less harm. */
  #epoch(): number {
    const current = this.#random.pick([...this.#world.running.values()])?.chord.epoch ?? 0;
    return Math.max(0, current + this.#random.integer(-1, 1));
  }

  #nodes(): NodeRef[] {
    return Array.from({ length: this.#random.integer(0, 6) }, () => this.#node());
  }

  /** A real node, a real name at a wrong address, a made-up one, or one with a forged id. */
  #node(): NodeRef {
    const name = this.#anyName();
    const real = this.#world.running.get(name)?.address;
    const address = this.#random.chance(0.5) ? this.address : (real ?? "10.66.0.1:8081");
    const id = this.#world.idOf(this.#random.chance(0.9) ? name : `not ${name}`);
    return { name, id, address };
  }

  #anyName(): string {
    const real = this.#random.pick([...this.#world.running.keys()]);
    return real !== undefined && this.#random.chance(0.6)
      ? real
      : `evil-${this.#random.integer(0, 9)}`;
  }
}
