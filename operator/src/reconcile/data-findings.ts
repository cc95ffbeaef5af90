/**
 * Turns what a pass has seen of the data into the condition DataPlaced, and into the figures of the
 * status. Pure.
 */
import type { Condition, DataStatus } from "../api/chordring.ts";
import type { Finding } from "../kube/conditions.ts";
import type { DataPicture } from "../ring/data-picture.ts";
import type { Roster } from "../ring/view.ts";
import { leftText, shortcomings } from "./figures.ts";
import type { Pass } from "./pass.ts";

const type = "DataPlaced";

function unknown(reason: string, message: string): Finding {
  return { type, status: "Unknown", reason, message };
}

function notYet(reason: string, message: string): Finding {
  return { type, status: "False", reason, message };
}

/** Why the nodes' figures are not about the data that is wanted now. */
function notAsked(pass: Pass, roster: Roster): Finding | undefined {
  const { pending = [] } = pass.roster ?? {};
  if (pending.length > 0) {
    const message = `nodes hold data once their zone is known: ${pending.join(", ")}`;
    return notYet("NodesNotScheduled", message);
  }
  const behind = (pass.picture?.readings ?? []).some((reading) => {
    const data = reading.kind === "view" ? reading.view.data : undefined;
    return data?.chartered === true && data.roster?.generation !== roster.generation;
  });
  const message = "the nodes are being told where data belongs";
  return behind ? notYet("RosterSpreading", message) : undefined;
}

function notPlaced(pass: Pass, data: DataPicture): Finding | undefined {
  const parts = shortcomings(data);
  if (parts.length === 0) return undefined;
  const left = leftText(data, pass.outlook?.secondsLeft);
  const message = [parts.join(", "), left ?? []].flat().join("; ");
  if (data.unled > 0) return notYet("PartitionsLeaderless", message);
  return notYet(data.degraded > 0 ? "CopiesMissing" : "DataMoving", message);
}

/** What came true a moment ago may not last; what was true before need not prove itself again. */
function isFresh(pass: Pass, before: readonly Condition[]): boolean {
  const old = before.find((condition) => condition.type === type);
  const { placedMs = 0 } = pass.outlook ?? {};
  return old?.status !== "True" && placedMs < pass.tools.options.pace.placedMs;
}

/** For a pass that ended before it came to the data: all is as it was. */
function undecided(before: readonly Condition[]): Finding {
  const old = before.find((condition) => condition.type === type);
  if (!old) return unknown("NotObserved", "it is not known yet where data belongs");
  const { status, reason, message } = old;
  return { type, status, reason, message };
}

/** Whether every partition has all its copies where the spec wants them. */
export function placement(pass: Pass, data: DataPicture, before: readonly Condition[]): Finding {
  if (!pass.chartered) {
    return unknown("NotBegun", "the nodes do not say that they hold data in partitions");
  }
  if (data.unknown.length > 0 || !data.begun) {
    const who = data.unknown.length > 0 ? `: ${data.unknown.join(", ")}` : "";
    return unknown("NodesUnreadable", `not all nodes say what data they hold${who}`);
  }
  if (!pass.roster) return undecided(before);
  const { roster } = pass.roster;
  const lacking = notAsked(pass, roster) ?? notPlaced(pass, data);
  if (lacking) return lacking;
  if (isFresh(pass, before)) {
    return notYet("Settling", "all data is in place; waiting a moment to see that it stays");
  }
  const copies = Math.min(roster.copies, roster.pods.length);
  const message =
    copies === 1 ? "all data is in place, in 1 copy" : `all data is in place, in ${copies} copies`;
  return { type, status: "True", reason: "AllPlaced", message };
}

/** The figures of the status; undefined while not all of the ring's data is accounted for. */
export function dataStatus(data: DataPicture): DataStatus | undefined {
  if (!data.begun || data.unknown.length > 0) return undefined;
  return {
    degradedPartitions: data.degraded,
    misplacedPartitions: data.misplaced,
    leaderlessPartitions: data.unled,
    keysToMove: data.keysLeft,
    bytesToMove: data.bytesLeft,
  };
}

/** Keys and bytes of the whole ring; undefined while some partitions are not accounted for. */
export function contents(data: DataPicture): { keys: number; bytes: number } | undefined {
  const isAll = data.begun && data.unknown.length === 0 && data.unled === 0;
  return isAll ? { keys: data.keys, bytes: data.bytes } : undefined;
}
