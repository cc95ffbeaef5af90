/**
 * The messages of a scenario: shows them, and keeps chosen ones back, so that an exact order of
 * events can be scripted. A message that is kept back for longer than its sender's patience is a
 * late one: the sender counts it as unanswered, and yet it may arrive.
 */
import type { Answer, NodeRef, Replies, Request, RequestType } from "../../src/chord/index.ts";
import type { Host, Message, Observer } from "../network.ts";
import type { World } from "../world.ts";
import { numberOfId } from "./names.ts";

/** What of a stage the messages need. */
interface Surroundings {
  readonly world: World;
  readonly oracles: Observer;
  show(node: NodeRef): string;
  nameAt(address: string): string;
}

/** Which messages: null stands for any. */
export interface Pattern {
  readonly from: string | null;
  readonly to: string | null;
  readonly type: RequestType | null;
  /** Requests, or the answers to them. */
  readonly part: "request" | "answer";
}

interface Rule {
  readonly pattern: Pattern;
  readonly lost: boolean;
}

interface Held {
  readonly message: Message;
  readonly what: string;
  readonly send: () => void;
}

export class Traffic {
  /** Types that are shown. */
  shown: ReadonlySet<RequestType> = new Set();
  /** Only exchanges with this node are shown; null for all. */
  party: string | null = null;
  readonly #stage: Surroundings;
  #rules: Rule[] = [];
  #held: Held[] = [];

  constructor(stage: Surroundings) {
    this.#stage = stage;
    const { network } = stage.world;
    const { oracles } = stage;
    network.intercept = (message, send) => this.#intercept(message, send);
    network.observer = {
      handled: (host, envelope, request, answer) =>
        oracles.handled(host, envelope, request, answer),
      answered: (host, request, answer) => oracles.answered(host, request, answer),
      unanswered: (host, address) => {
        oracles.unanswered(host, address);
        // The seed Service without a ready node behind it is no node that failed to answer.
        if (
          this.shown.size > 0 &&
          address !== "nobody" &&
          this.#interests(host.name, stage.nameAt(address))
        ) {
          stage.world.note(`${host.name} → ${stage.nameAt(address)}  no answer`);
        }
      },
    };
  }

  hold(pattern: Pattern, lost: boolean): void {
    this.#rules.push({ pattern, lost });
  }

  /** Ends all rules and sends what they kept back, each so many times. */
  release(times: number): void {
    const held = this.#held;
    this.#rules = [];
    this.#held = [];
    for (const { what, send } of held) {
      this.#stage.world.note(`released ${times > 1 ? `${times} times ` : ""}${what}`);
      for (let i = 0; i < times; i++) send();
    }
  }

  #intercept(message: Message, send: () => void): boolean {
    const from = message.from.name;
    const to = this.#stage.nameAt(message.to);
    const rule = this.#rules.find(({ pattern }) => matches(pattern, message, from, to));
    if (rule === undefined) {
      this.#show(message.from, to, message);
      return false;
    }
    const part = message.result === null ? "" : "answer to ";
    const what = `${from} → ${to}  ${part}${message.request.type}`;
    this.#stage.world.note(`${rule.lost ? "lost" : "held back"} ${what}`);
    if (!rule.lost) this.#held.push({ message, what, send });
    return true;
  }

  /** One line for an exchange: when the asked node has answered. */
  #show(from: Host, to: string, { request, result }: Message): void {
    if (result === null || !this.shown.has(request.type) || !this.#interests(from.name, to)) return;
    const question = this.#question(request);
    const answer =
      result.answer === undefined
        ? this.#refusal(result.error)
        : this.#answer(request.type, result.answer);
    this.#stage.world.note(`${to} → ${from.name}  ${question}${answer}`);
  }

  #interests(...names: readonly string[]): boolean {
    return this.party === null || names.includes(this.party);
  }

  #refusal(error: Error | "unreachable"): string {
    const code = error === "unreachable" ? error : (error as Error & { code: string }).code;
    return `: refused, ${code}`;
  }

  #question(request: Request): string {
    const names = (nodes: readonly NodeRef[]): string =>
      nodes.map((node) => this.#stage.show(node)).join(" ");
    switch (request.type) {
      case "next":
        return `next to ${numberOfId(request.id)}`;
      case "hint":
        return request.leaving ? `hint, I leave, ask ${names(request.successors)}` : "hint";
      case "prepare":
        return `prepare epoch ${request.epoch}`;
      case "start":
        return `start epoch ${request.epoch} with ${names(request.members)}`;
      default:
        return request.type;
    }
  }

  #answer(type: RequestType, { reply }: Answer): string {
    switch (type) {
      case "state":
        return this.#state(reply as Replies["state"]);
      case "next": {
        const { step, nodes } = reply as Replies["next"];
        return `: ${step} ${nodes.map((node) => this.#stage.show(node)).join(" ")}`;
      }
      case "ping":
      case "hello":
        return `: ${(reply as Replies["ping"]).state}`;
      default:
        return consent(reply as Partial<Replies["prepare"] & Replies["start"]>);
    }
  }

  #state({ predecessor, successors }: Replies["state"]): string {
    const before = predecessor === null ? "none" : this.#stage.show(predecessor);
    const list = successors.map((node) => this.#stage.show(node)).join(" ") || "none";
    return `: predecessor ${before}, successors ${list}`;
  }
}

/** What was said to a founder; nothing where nothing can be said. */
function consent({ promised, started }: Partial<Replies["prepare"] & Replies["start"]>): string {
  if (promised === undefined && started === undefined) return "";
  return promised === true || started === true ? ": yes" : ": no";
}

function matches(pattern: Pattern, message: Message, from: string, to: string): boolean {
  const part = message.result === null ? "request" : "answer";
  return (
    pattern.part === part &&
    (pattern.from ?? from) === from &&
    (pattern.to ?? to) === to &&
    (pattern.type ?? message.request.type) === message.request.type
  );
}
