/**
 * Goal: the operator calls a ring ideal when it is, and says what is wrong when it is not. Method:
 * ideal rings of many sizes, each bent in one place.
 */
import assert from "node:assert/strict";
import { namedBy, pictureOf, ringFlaw, without } from "../../src/ring/picture.ts";
import { idealViews, outside, readingsOf, reference } from "../support/example-views.ts";

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `demo-${index}`);
}

describe("picture: what the views together say", () => {
  it("finds no flaw in ideal rings of any size and list length", () => {
    for (const size of [1, 2, 3, 4, 5, 9, 16]) {
      for (const length of [1, 2, 4, 8]) {
        assert.equal(ringFlaw(idealViews(namesOf(size), length), length), undefined);
      }
    }
  });

  it("takes a ring of one in each way it may show itself", () => {
    const [alone] = idealViews(["demo-0"]);
    assert.ok(alone);
    assert.equal(ringFlaw([{ ...alone, predecessor: null }], 4), undefined);
    assert.equal(ringFlaw([{ ...alone, successors: [] }], 4), undefined);
  });

  it("finds a wrong predecessor, a wrong successor, a short list, a stranger", () => {
    const views = idealViews(namesOf(6));
    const bend = (change: object): string | undefined => {
      const [first, ...rest] = views;
      assert.ok(first);
      return ringFlaw([{ ...first, ...change }, ...rest], 4);
    };
    assert.match(bend({ predecessor: null }) ?? "", /has nobody as its predecessor/);
    assert.match(bend({ predecessor: reference("other") }) ?? "", /has other as its predecessor/);
    const { successors } = views[0]!;
    assert.match(bend({ successors: successors.slice(1) }) ?? "", /successor list/);
    assert.match(bend({ successors: successors.slice(0, 3) }) ?? "", /successor list/);
    const withStranger = [reference("other"), ...successors.slice(0, 3)];
    assert.match(bend({ successors: withStranger }) ?? "", /has other, /);
  });

  it("finds two rings beside each other", () => {
    const two = [...idealViews(namesOf(3)), ...idealViews(["demo-7", "demo-8", "demo-9"])];
    assert.notEqual(pictureOf(readingsOf(two), 4).flaw, undefined);
  });

  it("does not count nodes outside the ring as members, and knows who counts on whom", () => {
    const views = idealViews(namesOf(5));
    const picture = pictureOf([...readingsOf(views), outside("demo-5", "waiting", false)], 4);
    assert.equal(picture.members.length, 5);
    assert.equal(picture.flaw, undefined);
    assert.equal(namedBy(picture, "demo-5").length, 0);
    assert.equal(namedBy(picture, "demo-2").length, 4);
    assert.notEqual(without(picture, "demo-2", 4).flaw, undefined);
  });

  it("remembers nothing about nodes it could not read", () => {
    const picture = pictureOf([{ kind: "unreadable", name: "demo-0", cause: "down" }], 4);
    assert.deepEqual(picture.unreadable, [{ kind: "unreadable", name: "demo-0", cause: "down" }]);
    assert.equal(picture.formed, false);
    assert.match(picture.flaw ?? "", /no node is a member/);
  });
});
