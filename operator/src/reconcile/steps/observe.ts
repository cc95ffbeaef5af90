/**
 * Reads what is there: the StatefulSet, its pods, and every running node's own view of the ring.
 */
import { KINDS } from "../../kube/kinds.ts";
import { objectNames } from "../../resources/manifest.ts";
import { CHARTERED_ANNOTATION, FORMED_ANNOTATION } from "../../resources/stateful-set.ts";
import { type NodeAddress, NodeUnreadable } from "../../ring/node-admin.ts";
import { type NodeReading, pictureOf } from "../../ring/picture.ts";
import type { View } from "../../ring/view.ts";
import { DataWatch, type Outlook } from "../data-watch.ts";
import {
  isRunning,
  ordinalOf,
  type Pass,
  type PodObject,
  type StatefulSetObject,
  type Step,
} from "../pass.ts";

/**
 * Leaves out pods that Kubernetes is deleting for good: those of an earlier ring of the same name,
 * and those past the StatefulSet's replicas, which were let go of after they had left the ring.
 */
function isOurs(pass: Pass, pod: PodObject): boolean {
  const owners = pod.metadata.ownerReferences ?? [];
  const controller = owners.find((owner) => owner.controller === true);
  if (controller === undefined) return true;
  const set = pass.statefulSet;
  const ordinal = ordinalOf(pass.ring, pod.metadata.name) ?? 0;
  return controller.uid === set?.metadata.uid && ordinal < set.spec.replicas;
}

function podsOf(pass: Pass): PodObject[] {
  const ordinal = (pod: PodObject): number => ordinalOf(pass.ring, pod.metadata.name) ?? -1;
  return pass.tools.pods
    .ofRing(pass.key)
    .filter((pod) => ordinal(pod) >= 0 && isOurs(pass, pod))
    .toSorted((a, b) => ordinal(a) - ordinal(b));
}

/** Asks once more when a connection failed: a kept-alive one may have been closed meanwhile. */
async function viewOf(pass: Pass, address: NodeAddress): Promise<View> {
  try {
    return await pass.tools.admin.view(address);
  } catch (error) {
    if (!(error instanceof NodeUnreadable) || !error.disconnected) throw error;
    return pass.tools.admin.view(address);
  }
}

async function readNode(pass: Pass, pod: PodObject): Promise<NodeReading> {
  const { name } = pod.metadata;
  const address = pass.addressOf(name);
  if (!isRunning(pod) || !address) return { kind: "notRunning", name };
  try {
    const view = await viewOf(pass, address);
    if (view.self.name === name) return { kind: "view", name, view };
    return { kind: "unreadable", name, cause: `${name}: ${view.self.name} answered in its place` };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { kind: "unreadable", name, cause };
  }
}

function outlookOf({ uid, picture, tools }: Pass): Outlook | undefined {
  if (!picture?.data.begun) return undefined;
  const watch = tools.watches.get(uid) ?? new DataWatch();
  tools.watches.set(uid, watch);
  return watch.observe(picture.data, Date.now());
}

export const observe: Step = {
  name: "observe",
  async run(pass) {
    const { ring, tools } = pass;
    const { namespace } = ring.metadata;
    const name = objectNames(ring.metadata.name).statefulSet;
    const key = { namespace, name };
    pass.statefulSet = await tools.applier.read<StatefulSetObject>(KINDS.statefulSet, key);
    pass.pods = podsOf(pass);
    const readings = await Promise.all(pass.pods.map((pod) => readNode(pass, pod)));
    pass.picture = pictureOf(readings, ring.spec.successors);
    const before = pass.statefulSet?.metadata.annotations ?? {};
    pass.formed = before[FORMED_ANNOTATION] === "true" || pass.picture.formed;
    pass.chartered = before[CHARTERED_ANNOTATION] === "true" || pass.picture.data.begun;
    pass.outlook = outlookOf(pass);
    if (pass.picture.split) {
      const message = "nodes found members outside their own ring and are merging with them";
      pass.problems.push({ reason: "RingSplit", message });
    }
  },
};
