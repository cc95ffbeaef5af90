/** What a node answers to the messages about its replicas. */
import { ReplicationError } from "./errors.ts";
import type { Body, Lead, Reply, RequestType } from "./messages.ts";
import type { Partition } from "./partition.ts";
import { type KeyedRecord, sizeOf } from "./record.ts";
import type { Replica } from "./replica.ts";

export type Handler<T extends RequestType> = (
  body: Body<T>,
  from: string,
) => Reply<T> | Promise<Reply<T>>;

export type Handlers = { readonly [T in RequestType]: Handler<T> };

/** Messages between nodes as such; all others are for a replica. */
type NodeRequest = "greet" | "views" | "charter" | "farewell" | "operate";

/** `of` gives a partition, or throws. What an answer rests on is not durable yet. */
export function replicaHandlers(
  of: (partition: number) => Partition,
  pageBytes: number,
): Omit<Handlers, NodeRequest> {
  const replica = (partition: number): Replica => of(partition).replica;
  return {
    promise: ({ partition, epoch, ballot }) => {
      replica(partition).promise(epoch, ballot);
      return {};
    },
    read: ({ partition, epoch, ballot, key }) => ({
      held: replica(partition).read(epoch, ballot, key),
    }),
    confirm: ({ leads }) => {
      const follows = (lead: Lead): boolean => confirms(replica(lead.partition), lead);
      return { refused: leads.flatMap((lead, index) => (follows(lead) ? [] : [index])) };
    },
    accept: ({ partition, key, held }) => {
      replica(partition).accept(key, held);
      return {};
    },
    repair: ({ partition, epoch, ballot, records }) => {
      replica(partition).repair({ epoch, ballot }, records);
      return {};
    },
    forget: ({ partition, epoch, ballot, entries }) => {
      replica(partition).forget({ epoch, ballot }, entries);
      return {};
    },
    list: ({ partition, epoch, ballot, after, limit }) =>
      replica(partition).list(epoch, ballot, { after, limit }),
    holds: ({ partition, digest, ...lead }) => ({ same: replica(partition).holds(lead, digest) }),
    fetch: ({ partition, keys }) => ({ records: recordsOf(replica(partition), keys, pageBytes) }),
    peek: ({ partition, key }) => ({ held: of(partition).peek(key) }),
    keys: ({ partition, ...query }) => of(partition).listKeys(query),
    yield: async ({ partition, epoch }) => {
      await of(partition).yield(epoch);
      return {};
    },
    "promise-change": ({ partition, epoch, ballot }) => ({
      accepted: replica(partition).promiseChange(epoch, ballot),
    }),
    "accept-change": ({ partition, epoch, ballot, members }) => {
      replica(partition).acceptChange(epoch, ballot, members);
      return {};
    },
    show: ({ partition, next, after, limit }) => {
      const shown = replica(partition).show(next, after, limit);
      const { view, active } = replica(partition);
      return { ...shown, active: active && view.epoch === next.epoch };
    },
    "shows-same": ({ partition, next, digest }) => {
      replica(partition).sealFor(next);
      return { same: replica(partition).digest === digest };
    },
    announce: ({ partition, placed }) => ({ active: of(partition).announced(placed) }),
    copy: ({ partition, ...request }) => of(partition).copy(request),
  };
}

function confirms(replica: Replica, { epoch, ballot }: Lead): boolean {
  try {
    replica.confirm(epoch, ballot);
    return true;
  } catch (error) {
    if (error instanceof ReplicationError) return false;
    throw error;
  }
}

/** As many as fit one message, at least one. */
function recordsOf(
  replica: Replica,
  keys: readonly string[],
  bytesMax: number,
): readonly KeyedRecord[] {
  const records: KeyedRecord[] = [];
  let bytes = 0;
  for (const key of keys) {
    const held = replica.held(key);
    if (held === null) continue;
    const record = { key, held };
    const size = sizeOf(record);
    if (records.length > 0 && bytes + size > bytesMax) break;
    records.push(record);
    bytes += size;
  }
  return records;
}
