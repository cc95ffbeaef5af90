/**
 * Goal: a crawl shows the whole ring and every fault of it. Method: made-up views, whole and
 * broken.
 */
import assert from "node:assert/strict";
import type { NodeRef } from "../../src/chord/index.ts";
import { Crawler, type RingCrawl } from "../../src/view/crawl.ts";
import type { NodeView } from "../../src/view/node-view.ts";
import { noData } from "../support/data-view.ts";
import { keyOf } from "../support/keys.ts";

const SUCCESSORS = 2;

const refs = ["a", "b", "c", "d", "e"]
  .map((name): NodeRef => ({ name, id: keyOf(name).id, address: `${name}:1` }))
  .toSorted((one, other) => (one.id < other.id ? -1 : 1));

function at(index: number): NodeRef {
  return refs[index % refs.length] as NodeRef;
}

function idealRing(): Map<string, NodeView> {
  return new Map(
    refs.map((self, index): [string, NodeView] => [
      self.name,
      {
        ring: "test",
        self,
        state: "member",
        epoch: 1,
        predecessor: at(index + refs.length - 1),
        successors: Array.from({ length: SUCCESSORS }, (_, i) => at(index + 1 + i)),
        fingers: [],
        keys: 0,
        bytes: 0,
        founded: true,
        split: false,
        detail: "",
        data: noData,
      },
    ]),
  );
}

function crawl(views: Map<string, NodeView>, silent: readonly string[] = []): Promise<RingCrawl> {
  const viewOf = (name: string): NodeView => {
    const view = views.get(name);
    if (view === undefined || silent.includes(name)) throw new Error("no answer");
    return view;
  };
  const crawler = new Crawler({
    ownView: () => viewOf(at(0).name),
    fetchView: async (node) => viewOf(node.name),
    clock: { now: () => 0, after: () => () => {} },
    successors: SUCCESSORS,
  });
  return crawler.crawl();
}

function change(views: Map<string, NodeView>, index: number, changes: Partial<NodeView>): void {
  const { name } = at(index);
  views.set(name, { ...(views.get(name) as NodeView), ...changes });
}

describe("a crawl shows the whole ring and its faults", () => {
  it("finds an ideal ring ideal, once round", async () => {
    const { ideal, nodes, problems } = await crawl(idealRing());
    assert.deepEqual(problems, []);
    assert.equal(ideal, true);
    assert.deepEqual(
      nodes.map(({ self }) => self.name),
      refs.map(({ name }) => name),
    );
  });

  it("goes round a node that does not answer, and names it", async () => {
    const { ideal, nodes, problems } = await crawl(idealRing(), [at(2).name]);
    assert.equal(ideal, false);
    assert.equal(nodes.length, refs.length - 1);
    assert.ok(problems.some((problem) => problem.startsWith(`${at(2).name} does not answer`)));
  });

  it("ends where all successors are silent", async () => {
    const { nodes, problems } = await crawl(idealRing(), [at(1).name, at(2).name]);
    assert.equal(nodes.length, 1);
    assert.ok(problems.some((problem) => problem.includes("none of its successors answers")));
  });

  it("ends in a ring that does not come back to its start", async () => {
    const views = idealRing();
    change(views, 3, { successors: [at(1), at(2)] });
    const { ideal, problems } = await crawl(views);
    assert.equal(ideal, false);
    assert.ok(problems.some((problem) => problem.includes("the ring closes at")));
  });

  it("names wrong pointers, other states and splits", async () => {
    const views = idealRing();
    change(views, 1, { predecessor: null });
    change(views, 2, { state: "leaving" });
    change(views, 3, { split: true });
    const { ideal, problems } = await crawl(views);
    assert.equal(ideal, false);
    assert.equal(problems.length, 3);
  });
});
