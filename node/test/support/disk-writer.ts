/**
 * A process to be killed: writes records one after the other over some partitions, as many at a
 * time as it likes, and prints the number of each one that is durable. It goes on where the disk
 * in the directory ends.
 */
import { LmdbDisk } from "../../src/storage/lmdb-disk.ts";
import { heldOf } from "./held-records.ts";

export const writtenPartitions = 5;

/** The key of the n-th record; that of the next one lies in another partition. */
export function keyOf(number: number): string {
  return `key ${number}`;
}

/** Some values lie apart from their records. */
export function valueOf(number: number): Buffer {
  return Buffer.alloc(number % 11 === 0 ? 3_000 : 50, number);
}

async function main(directory: string): Promise<void> {
  const disk = new LmdbDisk(directory);
  const replicas = Array.from({ length: writtenPartitions }, (_, index) => disk.replica(index));
  let number = replicas.reduce((sum, replica) => sum + replica.counts().keys, 0);
  const print = (durable: number): void => void process.stdout.write(`${durable}\n`);
  for (;;) {
    const replica = replicas[number % writtenPartitions];
    replica?.keep(keyOf(number), heldOf(number, valueOf(number)));
    const written = number;
    void disk.durable().then(() => print(written));
    number += 1;
    if (number % 7 === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? "");
