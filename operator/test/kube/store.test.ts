/** Goal: a store never goes back in time. Method: versions in every order. */
import assert from "node:assert/strict";
import type { KubeObject } from "../../src/kube/kinds.ts";
import { Store } from "../../src/kube/store.ts";

function pod(name: string, version: number, ring = "demo"): KubeObject {
  return {
    metadata: {
      name,
      namespace: "default",
      resourceVersion: String(version),
      labels: { "chordring.dev/ring": ring },
      managedFields: [{}],
    },
  };
}

const key = { namespace: "default", name: "a" };

describe("store: never back in time", () => {
  it("ignores versions older than what it has", () => {
    const store = new Store<KubeObject>();
    assert.equal(store.put(pod("a", 10)), true);
    assert.equal(store.put(pod("a", 9)), false);
    assert.equal(store.put(pod("a", 10)), false);
    // Versions are numbers of any length, not text.
    assert.equal(store.put(pod("a", 100)), true);
    assert.equal(store.remove(pod("a", 50)), false);
    assert.equal(store.get(key)?.metadata.resourceVersion, "100");
    assert.equal(store.remove(pod("a", 101)), true);
  });

  it("keeps what was written after a list was made", () => {
    const store = new Store<KubeObject>();
    store.put(pod("a", 10));
    store.put(pod("b", 30));
    const changed = store.replace([], "20").map((object) => object.metadata.name);
    assert.deepEqual(changed, ["a"]);
    assert.equal(store.size, 1);
  });

  it("finds objects by ring, also when one moves to another", () => {
    const store = new Store<KubeObject>();
    store.put(pod("a", 1, "one"));
    store.put(pod("a", 2, "two"));
    assert.equal(store.ofRing({ namespace: "default", name: "one" }).length, 0);
    assert.equal(store.ofRing({ namespace: "default", name: "two" }).length, 1);
  });

  it("does not keep the bookkeeping of field owners", () => {
    const store = new Store<KubeObject>();
    store.put(pod("a", 1));
    assert.equal(store.get(key)?.metadata.managedFields, undefined);
  });
});
