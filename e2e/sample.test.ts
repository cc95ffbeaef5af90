/**
 * Goal: the sample manifest becomes a working ring, with the objects, the status and the ownership
 * of keys that the contract promises.
 * Method: apply the chart's own sample in a namespace of its own; compare what the API server and
 * each node show with the model.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { apiGet, apply } from "./support/cluster.ts";
import { getJson } from "./support/http.ts";
import { idOf } from "./support/model.ts";
import { get, lookUp, put, Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { minuteMs } from "./support/wait.ts";

const sampleFile = join(import.meta.dirname, "../charts/chordring-operator/samples/demo.yaml");
const keyCount = 300;

interface OwnedObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { kind: string; name: string; uid: string }[];
  };
  readonly spec?: {
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly port: number }[];
  };
}

interface RingCrawl {
  readonly ideal: boolean;
  readonly nodes: readonly { readonly self: { readonly name: string } }[];
}

describe("sample: the sample manifest becomes a working ring", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("sample");
  const ring = new Ring(namespace, "demo");
  let replicas = 0;

  before(
    prepared(namespace, async () => {
      const sample = parse(await readFile(sampleFile, "utf8")) as {
        metadata: object;
        spec: { replicas: number };
      };
      replicas = sample.spec.replicas;
      await apply({ ...sample, metadata: { ...sample.metadata, namespace } });
    }),
  );

  it("the condition RingConverged becomes true", async () => {
    await ring.condition("RingConverged", 3 * minuteMs);
    await ring.condition("Ready", minuteMs);
  });

  it("the views of all nodes are one ideal ring, and the ring says so itself", async () => {
    await ring.ideal(replicas, minuteMs);
    for (const node of await ring.nodes()) {
      const crawl = await getJson<RingCrawl>(node.endpoint, "/v1/ring/nodes");
      assert.equal(crawl.ideal, true, JSON.stringify(crawl));
      const names = crawl.nodes.map(({ self }) => self.name).toSorted();
      assert.deepEqual(names, ring.podNames(replicas).toSorted());
    }
  });

  it("the status has the contract's fields", async () => {
    await ring.condition("DataPlaced", minuteMs);
    const { status, metadata } = await ring.object();
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.equal(status?.replicas, replicas);
    assert.equal(status?.readyReplicas, replicas);
    assert.match(status?.selector ?? "", /chordring\.dev\/ring=demo/);
    const states = (status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`);
    assert.deepEqual(states.filter((state) => !state.startsWith("UpdateAvailable")).toSorted(), [
      "DataPlaced=True",
      "Degraded=False",
      "Progressing=False",
      "Ready=True",
      "RingConverged=True",
    ]);
    const expected = ring.podNames(replicas).map((name) => ({ name, id: idOf(name) }));
    assert.deepEqual(
      status?.nodes?.map(({ name, id }) => ({ name, id })),
      expected,
    );
  });

  it("every object of the ring is there, labelled and owned by the ring", async () => {
    const { uid } = (await ring.object()).metadata;
    const core = `/api/v1/namespaces/${namespace}`;
    const paths = [
      `/apis/apps/v1/namespaces/${namespace}/statefulsets/demo`,
      `${core}/services/demo`,
      `${core}/services/demo-nodes`,
      `${core}/services/demo-seed`,
      `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/demo`,
      `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/demo`,
      `${core}/configmaps/demo-config`,
      `${core}/secrets/demo-peer-token`,
      `${core}/serviceaccounts/demo-node`,
    ];
    for (const path of paths) {
      const { metadata } = await apiGet<OwnedObject>(path);
      assert.equal(metadata.labels?.["chordring.dev/ring"], "demo", path);
      const owners = metadata.ownerReferences?.map((owner) => [owner.kind, owner.name, owner.uid]);
      assert.deepEqual(owners, [["ChordRing", "demo", uid]], path);
    }
    for (const pod of await ring.pods()) {
      assert.equal(pod.metadata?.labels?.["chordring.dev/ring"], "demo");
    }
  });

  it("the Services have the contract's ports", async () => {
    const services = `/api/v1/namespaces/${namespace}/services`;
    const client = await apiGet<OwnedObject>(`${services}/demo`);
    assert.deepEqual(
      client.spec?.ports?.map(({ port }) => port),
      [80],
    );
    const headless = await apiGet<OwnedObject>(`${services}/demo-nodes`);
    assert.equal(headless.spec?.clusterIP, "None");
  });

  it(`every node names the successor of the id as owner, for ${keyCount} keys`, async () => {
    const model = ring.model(replicas);
    const nodes = await ring.nodes();
    for (let i = 0; i < keyCount; i += 1) {
      const key = randomBytes(9).toString("base64");
      const lookups = await Promise.all(nodes.map((node) => lookUp(node, key)));
      const owners = lookups.map((lookup) => lookup.owner.name);
      assert.deepEqual(
        owners,
        nodes.map(() => model.owner(key)),
        `owners of ${key}`,
      );
      for (const { id, owner } of lookups) {
        assert.equal(id, idOf(key));
        assert.equal(owner.id, idOf(owner.name));
      }
    }
  });

  it("a value put through one node comes back through every other as it was", async () => {
    const nodes = await ring.nodes();
    for (const [index, writer] of nodes.entries()) {
      const key = `käse/${index}?`;
      const value = { contentType: "image/x-test; q=1", bytes: randomBytes(10_000) };
      const stored = await put(writer, key, value);
      for (const reader of nodes) {
        const { status, headers, body } = await get(reader, key);
        assert.equal(status, 200);
        assert.ok(body.equals(value.bytes), `bytes of ${key} through ${reader.name}`);
        assert.equal(headers["content-type"], value.contentType);
        assert.equal(headers.etag, stored.headers.etag);
        // Whoever leads the key's partition answers, whichever node was asked.
        assert.equal(headers["x-chord-owner"], stored.headers["x-chord-owner"]);
        assert.ok(nodes.some(({ name }) => name === headers["x-chord-owner"]));
      }
    }
  });
});
