/**
 * D6 for what nodes tell each other: whatever an answer rests on is on the answering disk before it
 * leaves. A crash would else take back what somebody counts on.
 */
import {
  compareStamps,
  type Reply,
  type Request,
  type RequestType,
  type Stamp,
} from "../../src/replication/index.ts";
import { isMember } from "../../src/replication/view.ts";
import type { Platter } from "./disk.ts";
import { OracleError } from "./oracle-error.ts";

type Asked<T extends RequestType> = Extract<Request, { readonly type: T }>;
type Check<T extends RequestType> = (
  platter: Platter,
  request: Asked<T>,
  reply: Reply<T>,
) => boolean;

/** For each kind of message whether the disk has what the answer tells; others tell nothing. */
const checks: { readonly [T in RequestType]?: Check<T> } = {
  promise: (platter, { partition, epoch, ballot }) => {
    const state = platter.durable.of(partition).state;
    const own = state?.view.epoch ?? 0;
    return own > epoch || (own === epoch && (state?.promised ?? 0) >= ballot);
  },
  accept: (platter, { partition, key, held }) =>
    isPast(platter, partition, held.stamp.epoch) || has(platter, partition, key, held.stamp),
  repair: (platter, { partition, epoch, records }) =>
    isPast(platter, partition, epoch) ||
    records.every(({ key, held }) => has(platter, partition, key, held.stamp)),
  read: (platter, { partition, epoch, key }, { held }) =>
    held === null || isPast(platter, partition, epoch) || has(platter, partition, key, held.stamp),
  list: (platter, { partition, epoch }, { entries }) =>
    isPast(platter, partition, epoch) ||
    entries.every(({ key, stamp }) => has(platter, partition, key, stamp)),
  show: (platter, { partition, next }, { entries }) => {
    const { state } = platter.durable.of(partition);
    const sealed = state?.sealed === true || (state?.view.epoch ?? 0) >= next.epoch;
    if (isPast(platter, partition, next.epoch) || isRetired(platter, partition)) return true;
    return sealed && entries.every(({ key, stamp }) => has(platter, partition, key, stamp));
  },
  fetch: (platter, { partition }, { records }) =>
    isRetired(platter, partition) ||
    records.every(({ key, held }) => has(platter, partition, key, held.stamp)),
  "promise-change": (platter, { partition, epoch, ballot }) =>
    isPast(platter, partition, epoch) ||
    (platter.durable.of(partition).state?.changePromised ?? 0) >= ballot,
  "accept-change": (platter, { partition, epoch, ballot }) =>
    isPast(platter, partition, epoch) ||
    (platter.durable.of(partition).state?.changeAccepted?.ballot ?? 0) >= ballot,
};

export function checkAnswer(platter: Platter, request: Request, reply: Reply<RequestType>): void {
  const check = checks[request.type] as Check<RequestType> | undefined;
  if (check === undefined || check(platter, request, reply)) return;
  throw new OracleError("D6", `${platter.name} answers a ${request.type} before it is durable`);
}

/** The replica has gone on to a later view, which has its own rules. */
function isPast(platter: Platter, partition: number, epoch: number): boolean {
  return (platter.durable.of(partition).state?.view.epoch ?? 0) > epoch;
}

/** It forgot its records meanwhile, which only happens when nobody needs them any more. */
function isRetired(platter: Platter, partition: number): boolean {
  const { state } = platter.durable.of(partition);
  return state !== null && !isMember(state.view, platter);
}

function has(platter: Platter, partition: number, key: string, stamp: Stamp): boolean {
  const held = platter.durable.of(partition).records.get(key);
  const own = held?.stamp ?? platter.forgotten.get(key) ?? null;
  return compareStamps(own, stamp) >= 0;
}
