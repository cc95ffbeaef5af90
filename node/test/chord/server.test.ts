/** Goal: what a peer may not say is refused with the documented code, and changes nothing. */
import assert from "node:assert/strict";
import {
  codeOf,
  type Envelope,
  type ErrorCode,
  type NodeRef,
  type Request,
} from "../../src/chord/index.ts";
import { demoNames, sha1, World } from "../../sim/world.ts";

const ref = (name: string): NodeRef => ({ name, id: sha1(name), address: `${name}:8081` });

describe("the answering side", () => {
  const world = new World({ seed: 1, successors: 2, founders: demoNames(3) });

  before(async () => {
    for (const name of ["demo-0", "demo-1", "demo-2"]) world.start(name);
    assert.ok(await world.scheduler.runUntil(() => world.ideal().ideal, 60_000));
  });

  const envelope: Envelope = { ring: "sim", epoch: 1, from: ref("demo-9"), to: "demo-0" };
  const notify: Request = { type: "notify" };
  const forged: NodeRef = { ...ref("demo-9"), id: sha1("another") };

  const refused: [string, Partial<Envelope>, Request, ErrorCode][] = [
    ["a peer of another ring", { ring: "other" }, notify, "wrong-ring"],
    ["a message for another node", { to: "demo-1" }, notify, "wrong-node"],
    ["a notify with a forged identifier", { from: forged }, notify, "forged"],
    ["a notify from an older ring", { epoch: 0 }, notify, "wrong-epoch"],
    ["a notify from a newer ring", { epoch: 7 }, notify, "wrong-epoch"],
    ["someone who claims to be this node", { from: ref("demo-0") }, notify, "forged"],
    [
      "a forged identifier in a hint",
      {},
      { type: "hint", leaving: true, successors: [forged] },
      "forged",
    ],
    ["a lookup step from an older ring", { epoch: 99 }, nextFor("a key"), "wrong-epoch"],
  ];

  for (const [what, part, request, code] of refused) {
    it(`refuses ${what}: ${code}`, () => {
      const node = world.running.get("demo-0");
      const before = JSON.stringify(node?.chord.view());
      assert.throws(
        () => node?.handle({ ...envelope, ...part }, request),
        (error) => codeOf(error) === code,
      );
      assert.equal(JSON.stringify(node?.chord.view()), before);
    });
  }

  it("promises nothing to a founder while it is in a ring", () => {
    const node = world.running.get("demo-0");
    const answer = node?.handle({ ...envelope, epoch: 0 }, { type: "prepare", epoch: 5 });
    assert.deepEqual(answer?.reply, { promised: false, epoch: 1 });
    const started = node?.handle(envelope, { type: "start", epoch: 5, members: [ref("demo-0")] });
    assert.deepEqual(started?.reply, { started: false });
  });

  it("lets an outsider read, so that it can join", () => {
    const answer = world.running.get("demo-0")?.handle({ ...envelope, epoch: 0 }, nextFor("a key"));
    assert.equal(answer?.epoch, 1);
  });
});

function nextFor(key: string): Request {
  return { type: "next", id: sha1(key), mode: "finger", exclude: [] };
}
