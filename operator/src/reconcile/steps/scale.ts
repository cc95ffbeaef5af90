/**
 * Makes the next move towards the desired number of nodes: asks a node to leave, lets one come
 * back, or changes the replicas that the workload step writes. The decision itself is in
 * scale-plan.ts.
 */
import { nodeName } from "../../resources/manifest.ts";
import { NodeUnreadable } from "../../ring/node-admin.ts";
import { nodesToRejoin, planScale, type ScaleMove, type ScaleSituation } from "../scale-plan.ts";
import { ordinalOf, type Pass, type Step } from "../pass.ts";

/**
 * The replicas there are. Without a StatefulSet, its pods may still be there: it was deleted with
 * its pods left running. They count, so that none is dropped without having left the ring.
 */
function currentReplicas(pass: Pass): number {
  if (pass.statefulSet) return pass.statefulSet.spec.replicas;
  const ordinals = pass.pods.map((pod) => ordinalOf(pass.ring, pod.metadata.name) ?? -1);
  return Math.max(pass.ring.spec.replicas, ...ordinals.map((ordinal) => ordinal + 1));
}

function progressing(pass: Pass, reason: string, message: string): void {
  pass.progress ??= { reason, message };
  pass.lookAgainIn(pass.tools.options.pace.scalingMs);
}

/** Asks the ring itself, by walking along it, whether it still leads to `node`. */
async function crawlFinds(pass: Pass, node: string): Promise<boolean> {
  const member = pass.picture?.members.find((view) => view.self.name !== node);
  const address = member && pass.addressOf(member.self.name);
  if (!address) return false;
  const crawl = await pass.tools.admin.crawl(address);
  return crawl.nodes.some((view) => view.self.name === node);
}

async function rejoin(pass: Pass, situation: ScaleSituation): Promise<void> {
  for (const node of nodesToRejoin(situation)) {
    const address = pass.addressOf(node);
    if (!address) continue;
    await pass.tools.admin.rejoin(address);
    const message = `${node} had left the ring and is wanted again; it was asked to come back`;
    await pass.tell({ type: "Normal", reason: "NodeRejoins", message });
    progressing(pass, "ScalingUp", `${node} comes back into the ring`);
  }
}

async function askToLeave(pass: Pass, node: string): Promise<void> {
  const address = pass.addressOf(node);
  if (!address) throw new Error(`${node} runs but has no address`);
  if ((await pass.tools.admin.leave(address)) === "declined") {
    // It was given data since it was read.
    progressing(pass, "ScalingDown", `${node} still holds data`);
    return;
  }
  await pass.tell({ type: "Normal", reason: "NodeLeaves", message: `${node} leaves the ring` });
  progressing(pass, "ScalingDown", `${node} is leaving the ring`);
}

async function remove(pass: Pass, node: string, replicas: number): Promise<void> {
  if (pass.formed && (await crawlFinds(pass, node))) {
    progressing(pass, "ScalingDown", `a walk along the ring still finds ${node}`);
    return;
  }
  pass.replicas = replicas;
  const message = `The ring no longer counts on ${node}; its pod is removed`;
  await pass.tell({ type: "Normal", reason: "NodeRemoved", message });
  progressing(pass, "ScalingDown", `${node} is out of the ring; its pod is being removed`);
}

async function refuse(pass: Pass, move: ScaleMove & { move: "refuse" }): Promise<void> {
  pass.problems.push({ reason: move.reason, message: move.message });
  progressing(pass, "ScalingDown", "the ring cannot shrink now");
  pass.lookAgainIn(pass.tools.options.pace.unsettledMs);
}

/** Moving data takes its time: it is looked at less often than a node that leaves. */
function waitForData(pass: Pass, message: string): void {
  pass.progress ??= { reason: "ScalingDown", message };
  pass.lookAgainIn(pass.tools.options.pace.unsettledMs);
}

async function carryOut(pass: Pass, move: ScaleMove): Promise<void> {
  switch (move.move) {
    case "none":
      return;
    case "grow":
      pass.replicas = move.replicas;
      progressing(pass, "ScalingUp", `growing to ${move.replicas} nodes`);
      return;
    case "askToLeave":
      return askToLeave(pass, move.node);
    case "wait":
      return progressing(pass, "ScalingDown", move.message);
    case "waitForData":
      return waitForData(pass, move.message);
    case "remove":
      return remove(pass, move.node, move.replicas);
    case "refuse":
      return refuse(pass, move);
  }
}

export const scale: Step = {
  name: "scale",
  async run(pass) {
    const { ring, picture } = pass;
    if (!picture) throw new Error("the ring must be observed before it is scaled");
    const situation: ScaleSituation = {
      desired: ring.spec.replicas,
      current: currentReplicas(pass),
      successorListLength: ring.spec.successors,
      nodeName: (ordinal) => nodeName(ring.metadata.name, ordinal),
      picture,
      formed: pass.formed,
      chartered: pass.chartered,
      secondsLeft: pass.outlook?.secondsLeft,
    };
    pass.replicas = situation.current;
    try {
      await rejoin(pass, situation);
      await carryOut(pass, planScale(situation));
    } catch (error) {
      // A node that does not do as asked is asked again; the rest of the ring goes on meanwhile.
      if (!(error instanceof NodeUnreadable)) throw error;
      pass.problems.push({ reason: "NodesUnreadable", message: error.message });
      pass.lookAgainIn(pass.tools.options.pace.unsettledMs);
    }
  },
};
