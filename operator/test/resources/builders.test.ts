/**
 * Goal: the objects of a ring are what the contract says, and the pod template moves only when it
 * must. Method: builders called with rings that differ in one field.
 */
import assert from "node:assert/strict";
import { contains } from "../../src/kube/contains.ts";
import { configMap, foundersIn, foundersOf } from "../../src/resources/config-map.ts";
import { digest } from "../../src/resources/digest.ts";
import { networkPolicy } from "../../src/resources/network-policy.ts";
import { newPeerToken, peerTokenIn, peerTokenSecret } from "../../src/resources/peer-token.ts";
import { podDisruptionBudget } from "../../src/resources/pod-disruption-budget.ts";
import { podTemplate, templateRequest } from "../../src/resources/pod-template.ts";
import { serviceAccount } from "../../src/resources/service-account.ts";
import { clientService, nodesService, seedService } from "../../src/resources/services.ts";
import { fixedSpec, statefulSet } from "../../src/resources/stateful-set.ts";
import { exampleRing } from "../support/example-ring.ts";

const ring = exampleRing({ replicas: 5 });

describe("builders: a ring's objects", () => {
  it("label every object and tie it to its ring", () => {
    const set = statefulSet(ring, {
      replicas: 5,
      template: podTemplate(ring, "node:1"),
      fixed: fixedSpec(ring),
      annotations: {},
    });
    const objects = [
      set,
      configMap(ring, foundersOf(ring)),
      peerTokenSecret(ring, "token"),
      serviceAccount(ring),
      clientService(ring),
      nodesService(ring),
      seedService(ring),
      networkPolicy(ring, "chordring-system"),
      podDisruptionBudget(ring),
    ];
    for (const { metadata, kind } of objects) {
      assert.equal(metadata.labels["chordring.dev/ring"], "demo", kind);
      assert.equal(metadata.ownerReferences[0]?.uid, ring.metadata.uid, kind);
    }
    const pod = set.spec.template.metadata?.labels ?? {};
    assert.equal(pod["chordring.dev/ring"], "demo");
    assert.deepEqual(set.spec.selector.matchLabels, { "chordring.dev/ring": "demo" });
  });

  it("expose the client port at 80 and offer seeds only when ready", () => {
    const port = clientService(ring).spec.ports?.[0];
    assert.deepEqual([port?.name, port?.port, port?.targetPort], ["http", 80, "http"]);
    assert.equal(seedService(ring).spec.publishNotReadyAddresses, undefined);
    assert.equal(seedService(ring).spec.ports?.[0]?.port, 8081);
    assert.equal(nodesService(ring).spec.clusterIP, "None");
    assert.equal(nodesService(ring).spec.publishNotReadyAddresses, true);
  });

  it("choose successors + 1 founders, or one for each copy, or all of a smaller ring", () => {
    assert.deepEqual(foundersOf(exampleRing({ replicas: 2 })), ["demo-0", "demo-1"]);
    assert.equal(foundersOf(exampleRing({ replicas: 9 })).length, 5);
    const wide = exampleRing({ replicas: 16, successors: 1, copies: 3 });
    assert.deepEqual(foundersOf(wide), ["demo-0", "demo-1", "demo-2"]);
    assert.equal(foundersOf(exampleRing({ replicas: 9, copies: 7 })).length, 7);
    const written = configMap(ring, foundersOf(ring)).data;
    assert.deepEqual(foundersIn(written), foundersOf(ring));
    assert.deepEqual(JSON.parse(written["ring.json"] ?? ""), {
      founders: foundersOf(ring),
      copies: 3,
      successors: 4,
      stabilizeIntervalMs: 1000,
    });
    assert.equal(foundersIn({ "ring.json": "not json" }), undefined);
  });

  it("close the peer port to all but the ring and the operator", () => {
    const [open, closed] = networkPolicy(ring, "chordring-system").spec.ingress;
    assert.equal(open?.from, undefined);
    assert.deepEqual(
      open?.ports.map((entry) => entry.port),
      ["http"],
    );
    assert.deepEqual(
      closed?.ports.map((entry) => entry.port),
      ["peer"],
    );
    const operator = closed?.from?.[1]?.namespaceSelector?.matchLabels;
    assert.deepEqual(operator, { "kubernetes.io/metadata.name": "chordring-system" });
  });

  it("make tokens that differ and survive the Secret's encoding", () => {
    const token = newPeerToken();
    assert.notEqual(token, newPeerToken());
    assert.ok(token.length >= 40);
    assert.equal(peerTokenIn(peerTokenSecret(ring, token).data), token);
  });

  it("meet the restricted pod security standard", () => {
    const { spec } = podTemplate(ring, "node:1");
    assert.ok(
      contains(spec, {
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
      }),
    );
  });

  it("keep the template when the ring is scaled, and move it when settings change", () => {
    const template = (spec: Parameters<typeof exampleRing>[0]): string =>
      digest(podTemplate(exampleRing(spec), "node:1"));
    const before = template({ replicas: 3 });
    assert.equal(template({ replicas: 16 }), before);
    assert.equal(template({ replicas: 3, copies: 5 }), before);
    for (const change of [
      { image: "other" },
      { stabilizeInterval: "2s" },
      { logLevel: "debug" as const },
      { maxValueSize: "64Mi" },
      { podLabels: { team: "a" } },
      { nodeSelector: { disk: "fast" } },
    ]) {
      assert.notEqual(template(change), before, JSON.stringify(change));
      assert.notEqual(templateRequest(exampleRing(change)), templateRequest(exampleRing()));
    }
    assert.equal(
      templateRequest(exampleRing({ replicas: 7 })),
      templateRequest(exampleRing({ replicas: 3 })),
    );
  });

  it("name the largest value where the ring does, and else leave that to the nodes", () => {
    const limit = (maxValueSize?: string): string | undefined => {
      const spec = maxValueSize === undefined ? {} : { maxValueSize };
      const [container] = podTemplate(exampleRing(spec), "node:1").spec?.containers ?? [];
      return container?.env?.find(({ name }) => name === "CHORD_VALUE_BYTES_MAX")?.value;
    };
    assert.deepEqual([limit(), limit("64Mi"), limit("4Gi")], [undefined, "67108864", "4294967296"]);
  });

  it("let nobody's labels displace the operator's", () => {
    const labelled = exampleRing({ podLabels: { "chordring.dev/ring": "other", team: "a" } });
    const labels = podTemplate(labelled, "node:1").metadata?.labels ?? {};
    assert.equal(labels["chordring.dev/ring"], "demo");
    assert.equal(labels["team"], "a");
  });

  it("spread over hosts and zones unless told otherwise", () => {
    const spread = podTemplate(ring, "node:1").spec?.topologySpreadConstraints ?? [];
    assert.deepEqual(
      spread.map((entry) => [entry.topologyKey, entry.whenUnsatisfiable]),
      [
        ["kubernetes.io/hostname", "ScheduleAnyway"],
        ["topology.kubernetes.io/zone", "ScheduleAnyway"],
      ],
    );
  });

  it("hand the retention policy and the storage class on", () => {
    const storage = {
      size: "2Gi",
      storageClassName: "fast",
      whenDeleted: "Delete",
      whenScaled: "Retain",
    } as const;
    const stored = exampleRing({ storage });
    const [claim] = fixedSpec(stored).volumeClaimTemplates;
    assert.equal(claim?.spec?.storageClassName, "fast");
    assert.deepEqual(claim?.spec?.resources?.requests, { storage: "2Gi" });
    const set = statefulSet(stored, {
      replicas: 1,
      template: podTemplate(stored, "node:1"),
      fixed: fixedSpec(stored),
      annotations: {},
    });
    assert.deepEqual(set.spec.persistentVolumeClaimRetentionPolicy, {
      whenDeleted: "Delete",
      whenScaled: "Retain",
    });
  });
});
