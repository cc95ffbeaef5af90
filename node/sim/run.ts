/**
 * One simulated life of a ring: it forms, suffers, and must be ideal again in bounded time, with
 * every lookup right. What happens follows from the seed alone.
 */
import { orderedList } from "../src/chord/index.ts";
import { sha1, World } from "./world.ts";

/** Calm needed at most for an ideal ring; the worst of some thousand seeds needs a fifth of it. */
const convergenceMs = 120_000;

export interface RunResult {
  readonly seed: number;
  readonly failure: string | null;
  readonly transcript: readonly string[];
  readonly events: number;
  readonly simulatedMs: number;
  /** How long the ring took to be ideal after the faults ended. */
  readonly convergedMs: number;
}

class Violation extends Error {}

export async function simulate(seed: number): Promise<RunResult> {
  const life = new Life(seed);
  let failure: string | null = null;
  try {
    await life.run();
  } catch (error) {
    failure = error instanceof Violation ? error.message : String((error as Error).stack);
  }
  const { world } = life;
  const transcript = [...world.transcript];
  for (const name of world.running.keys()) world.crash(name);
  return {
    seed,
    failure,
    transcript,
    events: world.scheduler.count,
    simulatedMs: world.scheduler.now(),
    convergedMs: life.convergedMs,
  };
}

class Life {
  readonly world: World;
  convergedMs = 0;
  readonly #successors: number;
  readonly #names: readonly string[];

  constructor(seed: number) {
    // The shape of the run is drawn from the seed by the world's own generator.
    const shape = new World({ seed, successors: 1, founders: 1 }).random;
    this.#successors = shape.integer(1, 5);
    const size = shape.integer(1, 16);
    this.#names = Array.from({ length: size }, (_, i) => `demo-${i}`);
    const founders = Math.min(size, this.#successors + 1);
    this.world = new World({ seed, successors: this.#successors, founders });
    this.world.note(`seed ${seed}: ${size} nodes, r = ${this.#successors}`);
    this.world.scheduler.onSettled = () => this.#checkSafety();
  }

  async run(): Promise<void> {
    const { world } = this;
    for (const name of world.random.shuffle(this.#names)) {
      world.start(name);
      await world.scheduler.run(world.random.next() * 1000);
    }
    await this.#converge("after the start");
    const faultCount = world.random.integer(1, 6);
    for (let i = 0; i < faultCount; i++) {
      await this.#fault();
      await world.scheduler.run(world.random.next() * 8000);
    }
    Object.assign(world.network.faults, { lost: 0, repeated: 0, slow: 0 });
    world.heal();
    for (const name of this.#names) if (!world.running.has(name)) world.start(name);
    await this.#converge("after the faults");
    await this.#lookUp();
  }

  /** Safety: holds after every event, whatever the faults. */
  #checkSafety(): void {
    for (const node of this.world.running.values()) {
      const { self, predecessor, successors } = node.chord;
      if (!orderedList({ self, predecessor, successors })) {
        throw new Violation(`R3: ${self.name}'s list is not in order`);
      }
      if (successors.length > this.#successors) {
        throw new Violation(`R4: ${self.name}'s list is longer than r`);
      }
    }
  }

  async #converge(when: string): Promise<void> {
    const { world } = this;
    const startMs = world.scheduler.now();
    const calm = (): boolean => !world.anyPaused() && world.ideal().ideal;
    const ideal = await world.scheduler.runUntil(calm, convergenceMs);
    if (!ideal) {
      const problems = world.ideal().problems.join("; ");
      throw new Violation(`R10: not ideal ${convergenceMs / 1000} s ${when}: ${problems}`);
    }
    this.convergedMs = Math.max(this.convergedMs, world.scheduler.now() - startMs);
    world.note(`ideal ${when}`);
    await world.scheduler.run(20_000);
    const { problems } = world.ideal();
    if (problems.length > 0) throw new Violation(`R10: not ideal any more: ${problems.join("; ")}`);
  }

  async #fault(): Promise<void> {
    const { world } = this;
    const { random } = world;
    const up = random.shuffle([...world.running.keys()]);
    const some = up.slice(0, random.integer(1, Math.max(1, Math.floor(up.length / 2))));
    const faults: (() => Promise<void>)[] = [
      async () => this.#crashAndReturn(some),
      async () => this.#crashAndReturn(up),
      async () => this.#crashAndReturn(up.slice(0, 1)),
      async () => world.pause(up[0] ?? "", random.next() * 6000),
      async () => world.cut(some, up.slice(some.length), { oneWay: random.chance(0.3) }),
      async () => world.heal(),
      async () => {
        Object.assign(world.network.faults, { lost: 0.1 * random.next(), repeated: 0.05 });
        world.note("the network loses and repeats messages");
      },
      async () => {
        Object.assign(world.network.faults, { slow: 0.1, slowMs: 3000 * random.next() });
        world.note("the network is slow now and then");
      },
      async () => this.#leaveAndReturn(up[0] ?? ""),
    ];
    await random.pick(faults)?.();
  }

  async #crashAndReturn(names: readonly string[]): Promise<void> {
    const { world } = this;
    const keepDisk = !world.random.chance(0.2);
    for (const name of names) world.crash(name, { keepDisk });
    await world.scheduler.run(world.random.next() * 5000);
    for (const name of world.random.shuffle(names)) {
      if (!world.running.has(name)) world.start(name);
      await world.scheduler.run(world.random.next() * 500);
    }
  }

  async #leaveAndReturn(name: string): Promise<void> {
    const { world } = this;
    const chord = world.running.get(name)?.chord;
    if (chord === undefined) return;
    world.note(`leave ${name}`);
    void chord.leave();
    await world.scheduler.run(world.random.next() * 5000);
    chord.rejoin();
  }

  /** L3: in an ideal ring every lookup from every node ends at the right owner. */
  async #lookUp(): Promise<void> {
    const { world } = this;
    for (const node of world.running.values()) {
      const mode = world.random.chance(0.5) ? "finger" : "walk";
      const id = sha1(`key ${world.random.integer(0, 1_000_000)}`);
      let owner = "";
      void node.chord.find(id, { mode }).then(
        (found) => {
          owner = found.owner.name;
        },
        (error: unknown) => {
          owner = String(error);
        },
      );
      await world.scheduler.runUntil(() => owner !== "", 10_000);
      if (owner !== world.ownerOf(id)) {
        throw new Violation(`L3: ${id} from ${node.chord.self.name} led to ${owner}`);
      }
    }
  }
}
