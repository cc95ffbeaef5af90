/** What goes wrong with a disk, each with where it is and what to do. */

/** The disk cannot be opened, read or written just now, or not by this program. */
export class DiskError extends Error {
  override readonly name: string = "DiskError";
}

/** "cannot write to data.lmdb: no space left; check ..." */
export function diskError(action: string, path: string, cause: unknown): DiskError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DiskError(
    `cannot ${action} ${path}: ${reason}; check the volume's space, permissions and health`,
    { cause },
  );
}

/**
 * A record is on the disk and is not what was written. It is never taken for an absent one: that
 * would lose what was acknowledged, while other replicas may still have it.
 */
export class CorruptRecord extends DiskError {
  override readonly name = "CorruptRecord";
  /** null for what belongs to the node. */
  readonly partition: number | null;
  /** null for what belongs to the partition. */
  readonly key: string | null;

  constructor(place: CorruptPlace, cause: unknown) {
    const { path, partition, key } = place;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const record = key === null ? "a record" : `the record of key ${JSON.stringify(key)}`;
    const owner = partition === null ? "the node" : `partition ${partition}`;
    super(
      `${record} of ${owner} in ${path} is damaged: ${reason}; check the volume's health and ` +
        "give the node an empty one: it takes its records from the other replicas again",
      { cause },
    );
    this.partition = partition;
    this.key = key;
  }
}

export interface CorruptPlace {
  readonly path: string;
  readonly partition: number | null;
  readonly key: string | null;
}
