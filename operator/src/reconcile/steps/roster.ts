/**
 * Tells the nodes which pods shall hold the ring's data; they move it there by themselves.
 *
 * Before the replicas change in either direction: new nodes are named when they are asked for, and
 * nodes that go are left out before the first of them is asked to leave. A node that has missed a
 * roster is given it again, so nothing depends on how fast they tell each other.
 */
import { conditionOf } from "../../api/chordring.ts";
import { nodeName } from "../../resources/manifest.ts";
import { type Consent, NodeUnreadable } from "../../ring/node-admin.ts";
import type { Roster } from "../../ring/view.ts";
import type { Pass, Step } from "../pass.ts";
import { planRoster, type RosterPlan, rosterText } from "../roster-plan.ts";

function wantedNodes({ ring }: Pass): string[] {
  const { name } = ring.metadata;
  return Array.from({ length: ring.spec.replicas }, (_, ordinal) => nodeName(name, ordinal));
}

/** Where the pods run, as far as it is known. */
async function zonesOf(pass: Pass, names: readonly string[]): Promise<Map<string, string | null>> {
  const zones = new Map<string, string | null>();
  await Promise.all(
    names.map(async (name) => {
      const node = pass.podNamed(name)?.spec?.nodeName ?? "";
      const zone = node === "" ? undefined : await pass.tools.zones.zoneOf(node);
      if (zone !== undefined) zones.set(name, zone);
    }),
  );
  return zones;
}

/** Readable nodes that do not have this roster yet, whether members or not. */
function nodesWithout(pass: Pass, roster: Roster): string[] {
  return (pass.picture?.readings ?? []).flatMap((reading) => {
    if (reading.kind !== "view" || reading.view.data === undefined) return [];
    const has = reading.view.data.roster?.generation ?? -1;
    return has < roster.generation ? [reading.name] : [];
  });
}

/** Gives one node the roster. One that declines knows a newer one, which the next pass reads. */
async function give(pass: Pass, node: string, roster: Roster): Promise<Consent | NodeUnreadable> {
  const address = pass.addressOf(node);
  try {
    if (!address) throw new Error(`${node} was read but has no address`);
    return await pass.tools.admin.putRoster(address, roster);
  } catch (error) {
    if (!(error instanceof NodeUnreadable)) throw error;
    return error;
  }
}

/**
 * Gives the roster to all nodes that lack it; returns whether any took it. One is enough, because
 * it tells the others; where it failed it is given again in the next pass.
 */
async function spread(pass: Pass, { roster, changed }: RosterPlan): Promise<boolean> {
  const nodes = nodesWithout(pass, roster);
  const answers = await Promise.all(nodes.map((node) => give(pass, node, roster)));
  const { pace } = pass.tools.options;
  if (answers.includes("done")) {
    pass.lookAgainIn(pace.scalingMs);
    return true;
  }
  if (nodes.length > 0) pass.lookAgainIn(pace.unsettledMs);
  const failures = answers.filter((answer) => answer instanceof NodeUnreadable);
  if (changed && failures.length > 0) {
    const causes = failures.map((failure) => failure.message).join("; ");
    const message = `no node could be told where data belongs (${causes})`;
    pass.problems.push({ reason: "RosterNotTaken", message });
  }
  return false;
}

/** Copies that have been missing for too long are a problem for the ring's owner. */
function noteShortcomings(pass: Pass): void {
  const { pace } = pass.tools.options;
  const { unledMs, degradedMs } = pass.outlook ?? {};
  const degraded = conditionOf(pass.ring.status, "Degraded");
  const note = (reason: string, ms: number | undefined, message: string): void => {
    // An operator that took over meanwhile does not know since when, but the status does.
    const lasts = degraded?.status === "True" && degraded.reason === reason;
    if (ms === undefined || (!lasts && ms < pace.shortfallMs)) return;
    pass.problems.push({ reason, message });
  };
  const where = "the condition DataPlaced says how many";
  const unled = `partitions have no leader, so their keys cannot be read or written; ${where}`;
  note("PartitionsLeaderless", unledMs, unled);
  note("CopiesMissing", degradedMs, `partitions lack copies and do not recover; ${where}`);
}

export const roster: Step = {
  name: "roster",
  async run(pass) {
    const { ring, picture } = pass;
    if (!picture) throw new Error("the ring must be observed before its roster is written");
    const { begun, contested, roster: present } = picture.data;
    if (!pass.formed || !begun) return;
    noteShortcomings(pass);
    const wanted = wantedNodes(pass);
    const zones = await zonesOf(pass, wanted);
    const plan = planRoster({ wanted, copies: ring.spec.copies, present, contested, zones });
    pass.roster = plan;
    const taken = await spread(pass, plan);
    if (!taken || !plan.changed) return;
    const message = `Data is to be in ${rosterText(plan.roster)}`;
    await pass.tell({ type: "Normal", reason: "RosterChanged", message });
  },
};
