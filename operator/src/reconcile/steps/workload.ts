/**
 * The StatefulSet.
 *
 * Its pod template is written when the ring is made and when its owner asks for a change, never
 * only because a newer operator would write it differently: upgrading the operator must not restart
 * rings. A template that waits for its owner's word shows in the condition UpdateAvailable.
 */
import type { V1PodTemplateSpec } from "@kubernetes/client-node";
import { contains } from "../../kube/contains.ts";
import { digest } from "../../resources/digest.ts";
import { podTemplate, templateRequest } from "../../resources/pod-template.ts";
import {
  CHARTERED_ANNOTATION,
  FORMED_ANNOTATION,
  FOUNDERS_ANNOTATION,
  fixedSpec,
  type StatefulSetFixedSpec,
  statefulSet,
  TEMPLATE_ANNOTATION,
  TEMPLATE_REQUEST_ANNOTATION,
} from "../../resources/stateful-set.ts";
import type { Pass, StatefulSetObject, Step } from "../pass.ts";

interface TemplateChoice {
  template: V1PodTemplateSpec;
  annotations: Record<string, string>;
}

function updateMessage(pass: Pass, live: V1PodTemplateSpec, built: V1PodTemplateSpec): string {
  const { name, namespace } = pass.ring.metadata;
  const before = live.spec?.containers[0]?.image;
  const after = built.spec?.containers[0]?.image;
  const difference = before === after ? "a newer pod template" : `image ${after}`;
  return (
    `this operator would run the nodes with ${difference}; to restart them on it one by one: ` +
    `kubectl annotate ring ${name} -n ${namespace} chordring.dev/restart="$(date)" --overwrite`
  );
}

function chooseTemplate(pass: Pass): TemplateChoice {
  const built = podTemplate(pass.ring, pass.tools.options.nodeImage);
  const annotations = {
    [TEMPLATE_ANNOTATION]: digest(built),
    [TEMPLATE_REQUEST_ANNOTATION]: templateRequest(pass.ring),
  };
  const live = pass.statefulSet;
  const before = live?.metadata.annotations ?? {};
  const sameTemplate = before[TEMPLATE_ANNOTATION] === annotations[TEMPLATE_ANNOTATION];
  const sameRequest =
    before[TEMPLATE_REQUEST_ANNOTATION] === annotations[TEMPLATE_REQUEST_ANNOTATION];
  if (!live || sameTemplate || !sameRequest) return { template: built, annotations };
  pass.updateAvailable = updateMessage(pass, live.spec.template, built);
  return {
    template: live.spec.template,
    annotations: { ...annotations, [TEMPLATE_ANNOTATION]: before[TEMPLATE_ANNOTATION] ?? "" },
  };
}

/** A part that cannot change keeps its old value, and the ring's owner is told. */
function chooseFixed(pass: Pass): StatefulSetFixedSpec {
  const wanted = fixedSpec(pass.ring);
  const live = pass.statefulSet?.spec;
  if (!live || contains(live, wanted)) return wanted;
  const differing = Object.entries(wanted)
    .filter(([name, value]) => !contains(live[name as keyof StatefulSetFixedSpec], value))
    .map(([name]) => name);
  const message =
    `StatefulSet ${pass.ring.metadata.name} was made with another ${differing.join(" and ")}, ` +
    "which cannot change. To have it made anew around the running pods: " +
    `kubectl delete statefulset ${pass.ring.metadata.name} --cascade=orphan`;
  pass.problems.push({ reason: "FixedPartDiffers", message });
  const { serviceName, podManagementPolicy, selector, volumeClaimTemplates } = live;
  return { serviceName, podManagementPolicy, selector, volumeClaimTemplates };
}

export const workload: Step = {
  name: "workload",
  async run(pass) {
    const { template, annotations } = chooseTemplate(pass);
    const manifest = statefulSet(pass.ring, {
      replicas: pass.replicas,
      template,
      fixed: chooseFixed(pass),
      annotations: {
        ...annotations,
        [FOUNDERS_ANNOTATION]: pass.founders.join(","),
        [FORMED_ANNOTATION]: String(pass.formed),
        ...(pass.chartered ? { [CHARTERED_ANNOTATION]: "true" } : {}),
      },
    });
    const { object, outcome } = await pass.tools.applier.apply<StatefulSetObject>(
      manifest,
      pass.uid,
    );
    pass.statefulSet = object;
    if (outcome === "created") {
      const message = `Started ${pass.replicas} nodes; founders: ${pass.founders.join(", ")}`;
      await pass.tell({ type: "Normal", reason: "Created", message });
    }
  },
};
