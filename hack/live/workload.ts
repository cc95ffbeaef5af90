/**
 * The clients of a live test: they ask at a fixed rate, whatever the answers are, many nodes at
 * once; a client that waited would ask least just when the ring is at its worst.
 *
 * Hot keys are few and come in volleys of puts, gets, deletes and compare-and-sets at the same
 * moment through different nodes. Cold keys are many; each is put once, read at times, and must be
 * there in the end. As in Jepsen, a client whose operation got no answer in time never comes back:
 * a new one takes its place. Some writes have an id and are sent again (attempts.ts).
 */
import { Attempts, type Repetitions } from "./attempts.ts";
import { Availability } from "./availability.ts";
import { Client, type Target } from "./client.ts";
import type { SeededRandom } from "../lib/seeded-random.ts";
import type { Completion, History, Invocation, Outcome } from "./history.ts";
import { HotKey } from "./hot-key.ts";
import { outsideContract } from "./outcome.ts";
import { newValue } from "./values.ts";

/** How often the clients look whether it is time to ask again. */
const TICK_MS = 5;
/** Beyond this many unanswered operations asking more would only add to them. */
const UNDER_WAY_MAX = 600;
const VOLLEY_MAX = 4;
/** Of the writes. */
const ID_SHARE = 0.25;
const FILLER_BYTES = [0, 0, 0, 10, 200, 3_000, 40_000];
const EXAMPLES_MAX = 10;

export interface WorkloadOptions {
  /** The nodes that clients know just now. */
  readonly targets: () => readonly Target[];
  readonly history: History;
  readonly random: SeededRandom;
  /** Operations a second. */
  readonly rate: number;
  readonly hotKeys: number;
  /** When a client gives up. */
  readonly timeoutMs: number;
}

/** A key that is put once. */
export interface ColdKey {
  readonly key: string;
  readonly value: string;
  completion: Completion | undefined;
}

/** What an operation is counted as. */
export type CountedKind = "get" | "put" | "delete" | "cas" | "create";

export type Counts = Record<Outcome, number>;

type Wanted = Omit<Invocation, "process" | "node">;

/** How often each happens to a hot key, by weight. */
const kinds: readonly CountedKind[] = weighted({ get: 8, put: 5, cas: 5, delete: 2, create: 2 });

function weighted(weights: Record<CountedKind, number>): CountedKind[] {
  const entries = Object.entries(weights) as [CountedKind, number][];
  return entries.flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind));
}

export class Workload {
  readonly cold: ColdKey[] = [];
  readonly availability = new Availability();
  /** Answers that the contract does not know. */
  readonly strange: string[] = [];
  readonly counts: Record<CountedKind, Counts> = newCounts();
  readonly #options: WorkloadOptions;
  readonly #client: Client;
  readonly #attempts: Attempts;
  readonly #hot: readonly HotKey[];
  readonly #hotNames = new Set<string>();
  readonly #idle: number[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #processes = 0;
  #values = 0;
  #ids = 0;
  #timer: NodeJS.Timeout | undefined;
  #notAsked = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#client = new Client(options.timeoutMs);
    this.#attempts = new Attempts(this.#client, options.targets);
    this.#hot = Array.from({ length: options.hotKeys }, (_, slot) => new HotKey(slot));
  }

  /** Every hot key that was ever used. */
  get hotKeys(): readonly string[] {
    return [...this.#hotNames];
  }

  /** Operations left out because too many had no answer yet. */
  get notAsked(): number {
    return this.#notAsked;
  }

  /** Requests that were sent again. */
  get repetitions(): Repetitions {
    return this.#attempts.repetitions;
  }

  /** Asks on until `stop`. */
  start(): void {
    let askedFor = 0;
    const startedMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedMs) / 1_000) * this.#options.rate;
      while (askedFor < due) askedFor += this.#volley();
    }, TICK_MS);
  }

  /** Asks nothing more, and waits until every operation has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    // The end of an operation may begin its repetition.
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Reads a key through one node, as another operation of the history. */
  read(key: string, target: Target): Promise<Completion> {
    return this.#perform({ kind: "get", key }, "get", target);
  }

  close(): void {
    this.#client.close();
  }

  /** Some operations at the same moment; gives their number. */
  #volley(): number {
    const { random } = this.#options;
    const size = random.integer(1, VOLLEY_MAX);
    if (this.#underWay.size > UNDER_WAY_MAX) {
      this.#notAsked += size;
      return size;
    }
    const hot = random.pick(this.#hot);
    const targets = random.sample(this.#options.targets(), size);
    for (const target of targets) this.#one(hot, target);
    if (targets.length > 0) return targets.length;
    // No node is there to be asked.
    this.#notAsked += size;
    return size;
  }

  #one(hot: HotKey, target: Target): void {
    const { random } = this.#options;
    const share = random.next();
    if (share < 0.15) this.#putCold(target);
    else if (share < 0.25 && this.cold.length > 0) {
      void this.read(random.pick(this.cold).key, target);
    } else this.#askHot(hot, target);
  }

  #putCold(target: Target): void {
    const cold: ColdKey = {
      key: `cold-${this.cold.length}`,
      value: this.#newValue(),
      completion: undefined,
    };
    this.cold.push(cold);
    const id = this.#options.random.chance(ID_SHARE) ? { idempotencyKey: this.#newId() } : {};
    const wanted: Wanted = { kind: "put", key: cold.key, value: cold.value, ...id };
    void this.#perform(wanted, "put", target).then((completion) => {
      cold.completion = completion;
    });
  }

  #askHot(hot: HotKey, target: Target): void {
    const drawn = this.#options.random.pick(kinds);
    // Nothing to compare with: then it must not be there.
    const possible = drawn === "cas" && hot.etag === undefined ? "create" : drawn;
    const counted = hot.writable ? possible : "get";
    const wanted = { ...this.#wantedOf(hot, counted), ...this.#idOf(hot, counted) };
    this.#hotNames.add(wanted.key);
    const { history } = this.#options;
    const end = hot.begin(wanted.kind);
    this.availability.asked(wanted.key, history.now());
    void this.#perform(wanted, counted, target).then((completion) => {
      this.availability.ended(wanted.key, history.now(), completion.outcome);
      end(completion);
    });
  }

  #wantedOf(hot: HotKey, counted: CountedKind): Wanted {
    const key = hot.name;
    const match = hot.etag === undefined ? {} : { ifMatch: hot.etag };
    switch (counted) {
      case "get":
        return { kind: "get", key };
      case "put":
        return { kind: "put", key, value: this.#newValue() };
      case "create":
        return { kind: "put", key, value: this.#newValue(), ifNoneMatch: "*" };
      case "cas":
        return { kind: "put", key, value: this.#newValue(), ...match };
      case "delete":
        // Half of them only what the client knows.
        return { kind: "delete", key, ...(this.#options.random.chance(0.5) ? match : {}) };
    }
  }

  #idOf(hot: HotKey, counted: CountedKind): Pick<Wanted, "idempotencyKey"> {
    if (counted === "get" || !this.#options.random.chance(ID_SHARE)) return {};
    return hot.takeId(performance.now()) ? { idempotencyKey: this.#newId() } : {};
  }

  #newId(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  #newValue(): string {
    this.#values += 1;
    return newValue(this.#values, this.#options.random.pick(FILLER_BYTES));
  }

  #perform(wanted: Wanted, counted: CountedKind, target: Target): Promise<Completion> {
    const operation = this.#exchange(wanted, counted, target);
    this.#wait(operation);
    return operation;
  }

  /** Whatever is not at its end yet is waited for in the end. */
  #wait(something: Promise<unknown>): void {
    this.#underWay.add(something);
    void something.finally(() => this.#underWay.delete(something));
  }

  async #exchange(wanted: Wanted, counted: CountedKind, target: Target): Promise<Completion> {
    const { history } = this.#options;
    const process = this.#idle.pop() ?? (this.#processes += 1);
    const id = history.invoke({ process, node: target.name, ...wanted });
    const completion = await this.#attempts.perform(target, wanted);
    history.complete(id, completion);
    // Nobody knows what the operation of this one may still do.
    if (completion.outcome !== "unknown") this.#idle.push(process);
    this.counts[counted][completion.outcome] += 1;
    if (outsideContract(completion)) {
      const { status, detail = "" } = completion;
      this.#strange(`${wanted.kind} ${wanted.key}: status ${status} ${detail} (${id})`);
    }
    this.#wait(
      this.#attempts.repeat(target, wanted, completion).then((wrong) => {
        if (wrong !== undefined) this.#strange(`${wrong} (${id})`);
      }),
    );
    return completion;
  }

  #strange(what: string): void {
    if (this.strange.length < EXAMPLES_MAX) this.strange.push(what);
  }
}

function newCounts(): Record<CountedKind, Counts> {
  const none = (): Counts => ({ ok: 0, refused: 0, unknown: 0 });
  return { get: none(), put: none(), delete: none(), cas: none(), create: none() };
}
