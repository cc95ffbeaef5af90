/**
 * Three copies of each value, beside etcd with three members and the floor, in one run: closed
 * loop for rates and costs, then an open loop at half of each system's own rate for latencies.
 */
import { EtcdMembers } from "./etcd-members.ts";
import type { Operation } from "./load-job.ts";
import { type Measurement, rowOf } from "./measurement.ts";
import { etcdSystems, ringSystems, startFloor, startRing, type System } from "./systems.ts";
import { alternate, idleTurns, type Load, type Turns, warmUp } from "./turns.ts";

const NODES = 3;
const HALF = 0.5;
const operations: readonly Operation[] = ["put", "get"];

/** All systems run for the whole time: an idle one costs the others next to nothing. */
export async function replicated(turns: Turns, directory: string): Promise<Measurement[]> {
  const ends: (() => void | Promise<void>)[] = [];
  try {
    turns.report("starts the floor");
    const floor = await startFloor(directory);
    ends.push(floor.stop);
    turns.report("starts etcd");
    const members = await EtcdMembers.start(directory);
    ends.push(() => members.stop());
    const peers = await etcdSystems(members);
    turns.report("starts the ring");
    const ring = await startRing({ nodes: NODES, main: turns.options.main });
    ends.push(() => ring.stop());
    const own = await ringSystems(ring);
    const idle = await idleTurns(turns, [floor.system, ...peers.slice(0, 1), ...own.slice(0, 1)]);
    return [...idle, ...(await compare(turns, [floor.system, ...peers, ...own]))];
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function compare(turns: Turns, systems: readonly System[]): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const operation of operations) {
    const loads = systems.map(
      (system): Load => ({ system, operation, work: operation, perSecond: null }),
    );
    await warmUp(turns, loads);
    const closed = await alternate(turns, loads);
    const rates = closed.map((measurement) => rowOf(measurement).operationsPerSecond);
    const paced = loads.map((load, index) => {
      return { ...load, perSecond: Math.max(1, Math.round((rates[index] ?? 0) * HALF)) };
    });
    results.push(...closed, ...(await alternate(shorter(turns), paced)));
  }
  return results;
}

/** Latencies need fewer turns than rates, of which they are no ratio. */
function shorter(turns: Turns): Turns {
  const rounds = Math.max(1, turns.options.rounds >> 1);
  return { ...turns, options: { ...turns.options, rounds } };
}
