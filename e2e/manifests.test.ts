/**
 * Goal: a wrong manifest is refused at once, with words that say what to do; a minimal one is
 * enough.
 * Method: a table of manifests through `kubectl apply --dry-run=server`, so that nothing is made.
 */
import assert from "node:assert/strict";
import { tryKubectl } from "./support/cluster.ts";
import { Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";

interface Case {
  readonly what: string;
  readonly name?: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** What the refusal must say; absent where the manifest is good. */
  readonly refusal?: RegExp;
}

const cases: readonly Case[] = [
  { what: "only replicas: 9", spec: { replicas: 9 } },
  { what: "replicas: 16, successors: 1", spec: { replicas: 16, successors: 1 } },
  { what: "no field at all", spec: {} },
  { what: "a name of 50 letters", name: "n".repeat(50), spec: {} },
  {
    what: "a label and an annotation",
    spec: { podLabels: { team: "a" }, podAnnotations: { b: "c" } },
  },

  { what: "replicas 0", spec: { replicas: 0 }, refusal: /replicas.*greater than or equal to 1/ },
  { what: "replicas -1", spec: { replicas: -1 }, refusal: /replicas.*greater than or equal to 1/ },
  {
    what: "replicas 1000",
    spec: { replicas: 1000 },
    refusal: /replicas.*less than or equal to 64/,
  },
  { what: "replicas as a string", spec: { replicas: "3" }, refusal: /replicas.*integer.*string/ },
  { what: "replicas as a fraction", spec: { replicas: 2.5 }, refusal: /replicas.*integer/ },
  {
    what: "successors 0",
    spec: { successors: 0 },
    refusal: /successors.*greater than or equal to 1/,
  },
  {
    what: "successors 17",
    spec: { successors: 17 },
    refusal: /successors.*less than or equal to 16/,
  },
  { what: "copies 2", spec: { copies: 2 }, refusal: /copies must be 1, 3, 5 or 7/ },
  { what: "an unknown field", spec: { replica: 3 }, refusal: /unknown field "spec\.replica"/ },
  {
    what: "an unknown field deep inside",
    spec: { storage: { sise: "1Gi" } },
    refusal: /unknown field "spec\.storage\.sise"/,
  },
  {
    what: "a size that is none",
    spec: { storage: { size: "lots" } },
    refusal: /size must be a quantity such as 500Mi or 10Gi/,
  },
  {
    what: "a size too small",
    spec: { storage: { size: "1Mi" } },
    refusal: /size must be at least 32Mi/,
  },
  {
    what: "a size below zero",
    spec: { storage: { size: "-1Gi" } },
    refusal: /size must be at least 32Mi/,
  },
  {
    what: "an interval without a unit",
    spec: { stabilizeInterval: "500" },
    refusal: /stabilizeInterval must be a whole number of ms or s/,
  },
  {
    what: "an interval of an hour",
    spec: { stabilizeInterval: "3600s" },
    refusal: /stabilizeInterval must lie between 100ms and 60s/,
  },
  {
    what: "a largest value without a unit",
    spec: { maxValueSize: "64" },
    refusal: /maxValueSize must be a whole number of Ki, Mi or Gi/,
  },
  {
    what: "a largest value of 5 GiB",
    spec: { maxValueSize: "5Gi" },
    refusal: /maxValueSize must be at most 4Gi/,
  },
  {
    what: "a pod label of the operator's own",
    spec: { podLabels: { "chordring.dev/ring": "other" } },
    refusal: /podLabels must not use the prefixes/,
  },
  {
    what: "a name of 51 letters",
    name: "n".repeat(51),
    spec: {},
    refusal: /name may have at most 50 characters.*choose a shorter name/,
  },
  {
    what: "a name that starts with a digit",
    name: "1st",
    spec: {},
    refusal: /must start with a letter/,
  },
  {
    what: "a name with a dot",
    name: "a.b",
    spec: {},
    refusal: /must start with a letter and hold only/,
  },
];

/** Changes to a ring that exists; its successors are 4 and its size is 64Mi. */
const changes: readonly Case[] = [
  {
    what: "another number of successors",
    spec: { successors: 5 },
    refusal: /successors cannot change.*create a second ring/,
  },
  {
    what: "another size",
    spec: { storage: { size: "128Mi" } },
    refusal: /size cannot change.*create a second ring/,
  },
  {
    what: "another storage class",
    spec: { storage: { storageClassName: "fast" } },
    refusal: /storageClassName cannot change.*create a second ring/,
  },
  { what: "another number of replicas", spec: { replicas: 2 } },
  { what: "another interval", spec: { stabilizeInterval: "2s" } },
  { what: "a larger largest value", spec: { maxValueSize: "64Mi" } },
];

function judge(outcome: { code: number; stderr: string }, refusal: RegExp | undefined): void {
  if (refusal === undefined) {
    assert.equal(outcome.code, 0, outcome.stderr);
    return;
  }
  assert.notEqual(outcome.code, 0, "it was accepted");
  // One line, because messages are wrapped in lists of causes.
  assert.match(outcome.stderr.replaceAll(/\s+/g, " "), refusal);
}

describe("manifests: wrong ones are refused with advice, minimal ones are enough", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("manifests");
  const dryRun = ["--namespace", namespace, "--dry-run=server"];

  for (const { what, name = "good", spec, refusal } of cases) {
    it(`${refusal === undefined ? "accepts" : "refuses"} ${what}`, async () => {
      const manifest = {
        apiVersion: "chordring.dev/v1alpha1",
        kind: "ChordRing",
        metadata: { name },
        spec,
      };
      const words = ["apply", ...dryRun, "--filename", "-"];
      judge(await tryKubectl(words, JSON.stringify(manifest)), refusal);
    });
  }

  describe("of a ring that exists", () => {
    before(
      prepared(namespace, async () => {
        await Ring.create(namespace, "existing", { replicas: 1 });
      }),
    );

    for (const { what, spec, refusal } of changes) {
      it(`${refusal === undefined ? "accepts" : "refuses"} ${what}`, async () => {
        const patch = ["--type=merge", `--patch=${JSON.stringify({ spec })}`];
        const words = ["patch", "ring", "existing", ...dryRun, ...patch];
        judge(await tryKubectl(words), refusal);
      });
    }
  });
});
