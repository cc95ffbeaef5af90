/**
 * Clients: each does one thing after the other, through whichever node it likes, and repeats what
 * it has no answer to if the request has an id. What they ask and are told is the history to check.
 */
import {
  type Get,
  noPreconditions,
  type Operation,
  type Outcome,
  type Preconditions,
  ReplicationError,
  type Routed,
} from "../../src/replication/index.ts";
import type { SeededRandom } from "../random.ts";
import type { Call } from "./history.ts";
import { OracleError } from "./oracle-error.ts";
import type { Oracles } from "./oracles.ts";
import type { Plan } from "./plan.ts";
import { type DataNode, keyOf, type World } from "./world.ts";

/** A client waits so many times as long for a node as it gives the node. */
const patience = 1.25;
const repeatCountMax = 4;

export interface Counts {
  answered: number;
  refused: number;
  unknown: number;
}

/** The longest time to live that a client gives a value. */
const ttlSecondsMax = 3;

/** The highest fence that is raised past: about as often as there are lower and higher ones. */
const pastMax = 20;

type Shape = Pick<Plan, "clients" | "thinkMs" | "timeoutMs" | "ttlRate" | "fenceRate">;
interface ClientParts {
  readonly keys: readonly string[];
  readonly random: SeededRandom;
  /** Decides on times to live alone. */
  readonly ttlRandom?: SeededRandom;
  /** Decides on fences alone. */
  readonly fenceRandom?: SeededRandom;
}

type Result = Outcome | "failed" | "unknown";

export class Clients {
  readonly counts: Counts = { answered: 0, refused: 0, unknown: 0 };
  readonly #world: World;
  readonly #oracles: Oracles;
  readonly #random: SeededRandom;
  readonly #ttlRandom: SeededRandom;
  readonly #fenceRandom: SeededRandom;
  /** The highest fence of each key that somebody was told. */
  readonly #fences = new Map<string, number>();
  readonly #keys: readonly string[];
  #ttlRate = 0;
  #fenceRate = 0;
  /** The longest pause of a client between two calls. */
  #thinkMs = 0;
  /** How long a node has for a call. */
  #timeoutMs = 2_000;
  /** Calls that have no outcome yet. */
  #pending = 0;
  #ended = false;

  constructor(world: World, oracles: Oracles, parts: ClientParts) {
    const { keys, random, ttlRandom = random, fenceRandom = random } = parts;
    this.#world = world;
    this.#oracles = oracles;
    this.#keys = keys;
    this.#random = random;
    this.#ttlRandom = ttlRandom;
    this.#fenceRandom = fenceRandom;
  }

  start({ clients, thinkMs, timeoutMs, ttlRate, fenceRate }: Shape): void {
    this.#ttlRate = ttlRate;
    this.#fenceRate = fenceRate;
    this.#thinkMs = thinkMs;
    this.#timeoutMs = timeoutMs;
    for (let index = 0; index < clients; index += 1) this.#goOn(new Client(`c${index}`));
  }

  /** What is under way comes to its end, nothing new begins; what is read now has its time. */
  stop(): void {
    this.#timeoutMs = 2_000;
    this.#ended = true;
  }

  get idle(): boolean {
    return this.#pending === 0;
  }

  /** A get of a key through a node; undefined until it has its outcome. */
  read(node: DataNode, key: string, id: string): { result: Result | undefined } {
    const operation = get(key, noPreconditions);
    const reading: { result: Result | undefined } = { result: undefined };
    this.#call(node, id, operation, (result) => {
      reading.result = result;
    });
    return reading;
  }

  /** F1. Raises a key's fence past a number, or only asks for it; clients see nothing of that. */
  fence(node: DataNode, key: string, past: number): void {
    const { scheduler } = this.#world;
    const floor = Math.max(past + 1, this.#fences.get(key) ?? 0);
    let over = false;
    const end = (outcome: Result): void => {
      if (over) return;
      over = true;
      cancel();
      this.#pending -= 1;
      if (typeof outcome === "string" || outcome.type !== "fenced") return;
      this.#note(`the fence of ${key} is ${outcome.fence}, by ${node.name}`);
      this.#fences.set(key, Math.max(outcome.fence, this.#fences.get(key) ?? 0));
      if (outcome.fence >= floor) return;
      const problem = `the fence of ${key} is ${outcome.fence}, and was ${floor}`;
      scheduler.fail(new OracleError("F1", problem));
    };
    this.#pending += 1;
    const cancel = scheduler.after(patience * this.#timeoutMs, () => end("unknown"));
    const operation = { type: "fence", key: keyOf(key), upload: null, past } as const;
    node.run(() => {
      node.replication.execute(operation, this.#timeoutMs).then(
        ({ outcome }) => end(outcome),
        (error: unknown) => end(resultOf(error)),
      );
    });
  }

  #goOn(client: Client): void {
    const waitMs = 10 + this.#random.next() * this.#thinkMs;
    this.#world.scheduler.after(waitMs, () => {
      if (this.#ended) return;
      const node = this.#nodeFor(client);
      if (node === undefined) {
        this.#goOn(client);
        return;
      }
      const key = this.#random.pick(this.#keys) ?? "";
      const id = `${client.name}-${(client.count += 1)}`;
      const operation = this.#withTtl(client.draw(this.#random, key, id));
      if (operation.type === "get" && this.#random.chance(0.1)) this.#readOne(node, operation);
      if (this.#fenceRate > 0 && this.#fenceRandom.chance(this.#fenceRate)) {
        this.fence(node, key, this.#fenceRandom.integer(-1, pastMax));
      }
      this.#call(node, id, operation, (result) => {
        client.learn(key, result);
        this.#goOn(client);
      });
    });
  }

  #withTtl(operation: Operation): Operation {
    if (operation.type !== "put" || this.#ttlRate === 0) return operation;
    if (!this.#ttlRandom.chance(this.#ttlRate)) return operation;
    return { ...operation, ttlSeconds: this.#ttlRandom.integer(1, ttlSecondsMax) };
  }

  /** D3 for who reads any copy, however old: it still is what somebody wrote. */
  #readOne(node: DataNode, operation: Get): void {
    const history = this.#oracles.of(operation.key.text);
    const check = ({ outcome }: Routed): void => {
      if (outcome.type !== "value" || history.named(outcome.version) !== null) return;
      this.#world.scheduler.fail(
        history.broken("D3", `somebody read ${outcome.version}, which nobody wrote`),
      );
    };
    node.run(() => {
      node.replication.readOne(operation).then(check, (error: unknown) => void resultOf(error));
    });
  }

  /** Mostly the same node as last time. */
  #nodeFor(client: Client): DataNode | undefined {
    const { running } = this.#world;
    const same = running.get(client.node);
    const node =
      same !== undefined && this.#random.chance(0.6)
        ? same
        : this.#random.pick([...running.values()]);
    client.node = node?.name ?? "";
    return node;
  }

  #call(node: DataNode, id: string, operation: Operation, done: (result: Result) => void): void {
    const call = this.#oracles.began(id, operation);
    this.#pending += 1;
    let unknown = false;
    let repeats = 0;
    const attempted = (result: Result): void => {
      unknown ||= result === "unknown";
      const again = unknown && typeof result === "string" && this.#repeats(operation, repeats);
      const other = again ? this.#random.pick([...this.#world.running.values()]) : undefined;
      if (other === undefined) {
        this.#pending -= 1;
        // An earlier attempt may still happen, and a refusal says nothing of it.
        const last = unknown && !isDone(result) ? "unknown" : result;
        this.#told(call, last);
        done(last);
        return;
      }
      repeats += 1;
      this.#world.scheduler.after(this.#random.next() * 500, () =>
        this.#attempt(other, call, attempted),
      );
    };
    this.#attempt(node, call, attempted);
  }

  #repeats(operation: Operation, repeats: number): boolean {
    if (operation.type === "get" || operation.requestId === null) return false;
    return repeats < repeatCountMax && this.#random.chance(0.8);
  }

  #attempt(node: DataNode, { id, operation }: Call, done: (result: Result) => void): void {
    const { scheduler } = this.#world;
    let over = false;
    const end = (result: Result, reason = ""): void => {
      if (over) return;
      over = true;
      cancel();
      this.#note(`${id} by ${node.name}: ${told(result)} ${reason}`);
      done(result);
    };
    const cancel = scheduler.after(patience * this.#timeoutMs, () =>
      end("unknown", "it did not answer"),
    );
    this.#note(`${id} by ${node.name}: ${asked(operation)}`);
    node.run(() => {
      node.replication.execute(operation, this.#timeoutMs).then(
        ({ outcome }) => end(outcome),
        (error: unknown) => end(resultOf(error), (error as Error).message),
      );
    });
  }

  #told(call: Call, result: Result): void {
    if (result === "unknown") this.counts.unknown += 1;
    else if (result === "failed") this.counts.refused += 1;
    else this.counts.answered += 1;
    if (result === "unknown") return;
    if (result === "failed") {
      call.outcome = "failed";
      return;
    }
    try {
      this.#oracles.told(call, result);
    } catch (error) {
      // Nobody awaits this.
      this.#world.scheduler.fail(error as Error);
    }
  }

  #note(what: string): void {
    if (this.#world.recording) this.#world.note(what);
  }
}

/** Who asks, with what it has seen. */
class Client {
  readonly name: string;
  node = "";
  count = 0;
  /** The last version that it saw of each key; null for none. */
  readonly #seen = new Map<string, string | null>();

  constructor(name: string) {
    this.name = name;
  }

  learn(key: string, result: Result): void {
    if (typeof result === "string") return;
    this.#seen.set(key, "version" in result ? result.version : null);
  }

  draw(random: SeededRandom, key: string, id: string): Operation {
    const kind = random.next();
    const preconditions = this.#preconditions(random, key);
    if (kind < 0.4) return get(key, random.chance(0.8) ? noPreconditions : preconditions);
    if (kind < 0.55) {
      return { type: "delete", key: keyOf(key), preconditions, requestId: id };
    }
    const content = { contentType: "text/plain", bytes: new TextEncoder().encode(id) };
    const requestId = random.chance(0.6) ? id : null;
    return { type: "put", key: keyOf(key), preconditions, content, requestId };
  }

  /** Often those of a compare-and-set on what it saw last. */
  #preconditions(random: SeededRandom, key: string): Preconditions {
    const seen = this.#seen.get(key);
    if (seen === undefined || random.chance(0.4)) return noPreconditions;
    if (seen === null || random.chance(0.2)) return { ifNoneMatch: "*" };
    return random.chance(0.3) ? { ifMatch: "*" } : { ifMatch: [seen] };
  }
}

function get(key: string, preconditions: Preconditions): Operation {
  return { type: "get", key: keyOf(key), preconditions, head: false };
}

/** What a refusal says of the write: that nothing happened, or that nobody knows. */
function resultOf(error: unknown): Result {
  if (!(error instanceof ReplicationError)) throw error;
  const open = ["unknown-outcome", "timeout", "internal"].includes(error.code);
  return open ? "unknown" : "failed";
}

function isDone(result: Result): boolean {
  return typeof result !== "string" && (result.type === "stored" || result.type === "deleted");
}

function asked(operation: Operation): string {
  const { type, key, preconditions } = operation;
  const { ifMatch, ifNoneMatch } = preconditions;
  const conditions = [
    ...(ifMatch === undefined ? [] : [`if it is ${String(ifMatch)}`]),
    ...(ifNoneMatch === undefined ? [] : [`if it is not ${String(ifNoneMatch)}`]),
  ];
  return `${type} ${key.text} ${conditions.join(" ")}`.trimEnd();
}

function told(result: Result): string {
  if (typeof result === "string") return result;
  return "version" in result ? `${result.type} ${result.version}` : result.type;
}
