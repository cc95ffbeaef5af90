/** What must hold, whatever the faults, and how its breach ends a life. */

/** Invariants of docs/consistency.md by their short names. */
export const oracles = {
  V1: "there is one decided view for each epoch of a partition, and nobody uses another",
  V2: "a view follows only the one before it, once that was decided",
  V3: "a write is acknowledged by members of its view that are not sealed in it",
  V4: "a member is active only with all that clients knew of in the views before",
  V5: "members of a view are distinct pods, each with one disk",
  V6: "all nodes cut the circle into the same partitions",
  D1: "what clients know of is in every majority that could ever speak for its partition, durably",
  D2: "the history of each key is linearizable",
  D3: "one version is one value, and one stamp one record",
  D4: "writes of a key form one chain: of two that replace the same version one at most happens",
  D5: "no deleted value returns",
  D6: "what an answer tells is on the answering disk, and a write on those of a majority",
  D7: "promises, seals, views and stamps on a disk only grow, over restarts too",
  D8: "at rest all members of a view hold equal records, and nobody else holds any",
  D9: "a delete leaves no trace only where no copy has anything older any more",
  E1: "a value is deleted for its age only when its time is over, by the clock of who does it",
  E2: "a value's time is that of the write that made it, by the clock of its leader, in all copies",
  F1: "the fence of a key, once told, never falls, and is past what it was raised past",
  A1: "once the faults end, every partition is led, whole, in its place and answers within 60 s",
  A2: "a partition that lost most of its disks answers nothing more",
  A3: "at rest nodes have little to say: nothing is tried over and over",
  A4: "once the faults end, every value whose time is over is deleted within 60 s",
} as const;

export type Oracle = keyof typeof oracles;

/** A broken promise: the end of a life. */
export class OracleError extends Error {
  readonly oracle: Oracle;

  constructor(oracle: Oracle, problem: string) {
    super(`${oracle}: ${problem}`);
    this.oracle = oracle;
  }
}
