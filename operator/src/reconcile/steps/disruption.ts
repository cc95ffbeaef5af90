/** The PodDisruptionBudget, which a ring of one node must not have. */
import { KINDS } from "../../kube/kinds.ts";
import { objectNames } from "../../resources/manifest.ts";
import { podDisruptionBudget } from "../../resources/pod-disruption-budget.ts";
import type { Step } from "../pass.ts";

export const disruption: Step = {
  name: "disruption",
  async run(pass) {
    const { applier } = pass.tools;
    if (pass.ring.spec.replicas > 1) {
      await applier.apply(podDisruptionBudget(pass.ring), pass.uid);
      return;
    }
    const { namespace, name } = pass.key;
    const key = { namespace, name: objectNames(name).policy };
    await applier.remove(KINDS.podDisruptionBudget, key, pass.uid);
  },
};
