/**
 * Goal: after `make deploy` the operator is installed the way its documents say.
 * Method: ask helm, the API server and kubectl; run the chart's own test.
 */
import assert from "node:assert/strict";
import { apiGet, helm, kubectl } from "./support/cluster.ts";
import { OPERATOR_NAMESPACE, operatorReady, RELEASE } from "./support/operator.ts";
import { testTimeoutMs } from "./support/suite.ts";
import { minuteMs } from "./support/wait.ts";

interface Definition {
  readonly spec: {
    readonly names: { readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly subresources?: object;
      readonly additionalPrinterColumns?: readonly {
        readonly name: string;
        readonly priority?: number;
      }[];
    }[];
  };
}

describe("install: the helm release brings the operator and its resource", function () {
  this.timeout(testTimeoutMs);
  const here = ["--namespace", OPERATOR_NAMESPACE];

  it("the release is deployed", async () => {
    const release = JSON.parse(await helm(["status", RELEASE, ...here, "--output", "json"])) as {
      info: { status: string };
    };
    assert.equal(release.info.status, "deployed");
  });

  it("the operator is ready and holds the lease", async () => {
    await operatorReady(2 * minuteMs);
  });

  it("helm test passes", async () => {
    const output = await helm(["test", RELEASE, ...here, "--timeout", "2m"]);
    assert.match(output, /Phase:\s+Succeeded/);
  });

  it("the resource has the contract's columns, short name and subresources", async () => {
    const { spec } = await apiGet<Definition>(
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/chordrings.chordring.dev",
    );
    const version = spec.versions.find(({ name }) => name === "v1alpha1");
    // Columns of a priority above 0 are shown only by `kubectl get --output wide`.
    const shown = version?.additionalPrinterColumns?.filter(({ priority }) => !priority);
    const columns = shown?.map(({ name }) => name);
    assert.deepEqual(columns, ["Desired", "Ready", "Converged", "Keys", "Age"]);
    assert.deepEqual(spec.names.shortNames, ["ring"]);
    assert.deepEqual(Object.keys(version?.subresources ?? {}).toSorted(), ["scale", "status"]);
    await kubectl(["get", "ring", "--all-namespaces"]);
  });

  it("kubectl explain describes every field of the spec", async () => {
    const explained = await kubectl(["explain", "chordring.spec", "--recursive=false"]);
    for (const field of ["replicas", "copies", "successors", "storage"]) {
      assert.match(explained, new RegExp(`^  ${field}\\s`, "m"));
    }
    assert.doesNotMatch(explained, /<no description>/);
  });
});
