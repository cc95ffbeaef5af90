/**
 * The ConfigMap with the founders.
 *
 * Before there is a ring, founders are chosen again in one case only: the spec shrank, so that some
 * of them will never exist. Then every pod must have been read, and none may ever have been a
 * member.
 *
 * Once all data is where it should be they are those nodes of which most would have to lose their
 * disks before the ring is lost. A ring of one that grew would else be founded anew, without its
 * data, by the one founder that comes back first and with an empty disk.
 */
import { conditionOf } from "../../api/chordring.ts";
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

/** Whether the ring is what its spec asks for, with all its data in place, as the status tells. */
function isSettled({ ring, statefulSet, chartered }: Pass): boolean {
  const { generation } = ring.metadata;
  const holds = (type: string): boolean => {
    const condition = conditionOf(ring.status, type);
    return condition?.status === "True" && condition.observedGeneration === generation;
  };
  const sized = statefulSet?.spec.replicas === ring.spec.replicas;
  return chartered && sized && holds("RingConverged") && holds("DataPlaced");
}

async function followRing(pass: Pass, before: readonly string[]): Promise<void> {
  const founders = foundersOf(pass.ring);
  if (founders.join() === before.join() || !isSettled(pass)) return;
  pass.founders = founders;
  const message = `Most of these must be gone before the ring is: ${founders.join(", ")}`;
  await pass.tell({ type: "Normal", reason: "FoundersChanged", message });
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
    if (before) await followRing(pass, before);
    await pass.tools.applier.apply(configMap(pass.ring, pass.founders), pass.uid);
  },
};
