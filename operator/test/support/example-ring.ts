/** A ring as the API server hands it to the operator: all defaults filled in. */
import { type ChordRing, type ChordRingSpec, DEFAULTS } from "../../src/api/chordring.ts";

export function exampleRing(spec: Partial<ChordRingSpec> = {}): ChordRing {
  return {
    apiVersion: "chordring.dev/v1alpha1",
    kind: "ChordRing",
    metadata: {
      name: "demo",
      namespace: "default",
      uid: "0000-1111",
      generation: 1,
      resourceVersion: "1",
    },
    spec: { ...structuredClone(DEFAULTS), ...spec },
  };
}
