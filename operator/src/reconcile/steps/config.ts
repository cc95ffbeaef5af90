/**
 * The ConfigMap with the founders.
 *
 * Founders are chosen once. They are chosen again in one case only: the spec shrank before the ring
 * ever formed, so that some of them will never exist. Then every pod must have been read, and none
 * may ever have been a member.
 */
import { KINDS, type KubeObject } from "../../kube/kinds.ts";
import { configMap, foundersIn, foundersOf } from "../../resources/config-map.ts";
import { objectNames } from "../../resources/manifest.ts";
import { FOUNDERS_ANNOTATION } from "../../resources/stateful-set.ts";
import { ordinalOf, type Pass, type Step } from "../pass.ts";

interface ConfigMapObject extends KubeObject {
  data?: Record<string, string>;
}

async function foundersBefore(pass: Pass): Promise<string[] | undefined> {
  const { namespace, name } = pass.key;
  const key = { namespace, name: objectNames(name).config };
  const before = await pass.tools.applier.read<ConfigMapObject>(KINDS.configMap, key);
  const owned = before?.metadata.ownerReferences?.some((owner) => owner.uid === pass.uid);
  const written = owned === true ? foundersIn(before?.data) : undefined;
  const remembered = pass.statefulSet?.metadata.annotations?.[FOUNDERS_ANNOTATION];
  return written ?? (remembered ? remembered.split(",") : undefined);
}

function mayChooseAgain(pass: Pass, founders: readonly string[]): boolean {
  const { replicas } = pass.ring.spec;
  const canAllExist = founders.every((name) => (ordinalOf(pass.ring, name) ?? 0) < replicas);
  if (canAllExist || pass.formed) return false;
  const shrunk = (pass.statefulSet?.spec.replicas ?? 0) <= replicas;
  const readings = pass.picture?.readings ?? [];
  return shrunk && readings.every((reading) => reading.kind === "view");
}

export const config: Step = {
  name: "config",
  async run(pass) {
    const before = await foundersBefore(pass);
    pass.founders = before ?? foundersOf(pass.ring);
    if (before && mayChooseAgain(pass, before)) {
      pass.founders = foundersOf(pass.ring);
      const founders = pass.founders.join(", ");
      const message = `The ring shrank before it formed; its founders are now ${founders}`;
      await pass.tell({ type: "Normal", reason: "FoundersChanged", message });
    }
    await pass.tools.applier.apply(configMap(pass.ring, pass.founders), pass.uid);
  },
};
