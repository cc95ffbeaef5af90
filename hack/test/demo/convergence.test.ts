/**
 * Goal: the demo goes on exactly when the ring has converged on what was asked for. Method: objects
 * as the API server shows them at each moment.
 */
import assert from "node:assert/strict";
import { convergence } from "../../demo.ts";

function ring(observedGeneration: number, status: string): Parameters<typeof convergence>[0] {
  const conditions = [{ type: "RingConverged", status, message: "the founders are starting" }];
  return {
    metadata: { generation: 2 },
    spec: { replicas: 5 },
    status: { observedGeneration, readyReplicas: 3, conditions },
  };
}

describe("the demo waits for the ring that was asked for", () => {
  it("a ring without status has not converged", () => {
    const { converged, detail } = convergence({
      metadata: { generation: 1 },
      spec: { replicas: 5 },
    });
    assert.equal(converged, false);
    assert.equal(detail, "0 of 5 nodes ready");
  });

  it("the condition of an older spec does not count", () => {
    assert.equal(convergence(ring(1, "True")).converged, false);
  });

  it("the operator's words are shown while waiting", () => {
    const { converged, detail } = convergence(ring(2, "False"));
    assert.equal(converged, false);
    assert.equal(detail, "3 of 5 nodes ready; the founders are starting");
  });

  it("a converged ring is converged", () => {
    assert.equal(convergence(ring(2, "True")).converged, true);
  });
});
