/**
 * Walks the whole ring along successors and says whether it is ideal.
 *
 * The views are taken one after the other, so while the ring changes a crawl may show problems
 * that were never there together; in a quiet ring it is exact. It is bounded in nodes and time,
 * and crawls asked for at the same time are one.
 */
import { checkIdeal, type Clock, type NodeRef } from "../chord/index.ts";
import type { NodeView } from "./node-view.ts";

export interface RingCrawl {
  readonly nodes: readonly NodeView[];
  readonly ideal: boolean;
  /** One sentence for each thing that is not as it should be. */
  readonly problems: readonly string[];
}

export interface CrawlerParts {
  readonly ownView: () => NodeView;
  /** Rejects when the node does not answer, or another one does. */
  readonly fetchView: (node: NodeRef, timeoutMs: number) => Promise<NodeView>;
  readonly clock: Clock;
  /** Length of a successor list, r. */
  readonly successors: number;
}

const NODES_MAX = 4_096;
const CRAWL_TIMEOUT_MS = 10_000;
const VIEW_TIMEOUT_MS = 1_000;

export class Crawler {
  readonly #parts: CrawlerParts;
  #running: Promise<RingCrawl> | undefined;

  constructor(parts: CrawlerParts) {
    this.#parts = parts;
  }

  crawl(): Promise<RingCrawl> {
    this.#running ??= this.#walk().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #walk(): Promise<RingCrawl> {
    const { ownView, clock, successors } = this.#parts;
    const deadlineMs = clock.now() + CRAWL_TIMEOUT_MS;
    const nodes: NodeView[] = [ownView()];
    const problems: string[] = [];
    for (let view = nodes[0]; view !== undefined; ) {
      if (nodes.length >= NODES_MAX || clock.now() > deadlineMs) {
        problems.push(`the crawl was ended after ${nodes.length} nodes`);
        break;
      }
      view = await this.#after(view, nodes, problems);
      if (view !== undefined) nodes.push(view);
    }
    problems.push(...nodes.flatMap(complaints), ...checkIdeal(nodes, successors).problems);
    return { nodes, ideal: problems.length === 0, problems };
  }

  /** The next node that answers; undefined when the circle is closed or the trail is lost. */
  async #after(
    view: NodeView,
    nodes: readonly NodeView[],
    problems: string[],
  ): Promise<NodeView | undefined> {
    for (const candidate of view.successors) {
      const first = nodes[0]?.self.name;
      if (candidate.name === first) return undefined;
      if (nodes.some((node) => node.self.name === candidate.name)) {
        problems.push(`${view.self.name}: the ring closes at ${candidate.name}, not at ${first}`);
        return undefined;
      }
      try {
        return await this.#parts.fetchView(candidate, VIEW_TIMEOUT_MS);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        problems.push(`${candidate.name} does not answer: ${reason}`);
      }
    }
    problems.push(`${view.self.name}: none of its successors answers`);
    return undefined;
  }
}

function complaints(view: NodeView): string[] {
  const { self, state, split, detail } = view;
  const found: string[] = [];
  if (state !== "member") found.push(`${self.name} is ${state}: ${detail}`);
  if (split) found.push(`${self.name} found members outside its ring`);
  return found;
}
