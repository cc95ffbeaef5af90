/**
 * A process whose disk fails under it: writes records until one is not taken, says so, and ends
 * when what it wrote is durable after all.
 */
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { LmdbDisk } from "../../src/storage/lmdb-disk.ts";
import { heldOf } from "./held-records.ts";

/** One line for each turn of events. */
function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main(directory: string, valueLength: number): Promise<void> {
  const disk = new LmdbDisk(directory);
  const replica = disk.replica(0);
  for (let number = 0; disk.writable; number += 1) {
    replica.keep(`key ${number}`, heldOf(number, Buffer.alloc(valueLength)));
    await disk.durable().then(
      () => say({ durable: number }),
      (error: unknown) => say({ failed: number, message: (error as Error).message }),
    );
  }
  const { keys } = replica.counts();
  say({
    readable: Array.from({ length: keys }).every((_, n) => replica.held(`key ${n}`) !== null),
  });
  await waitFor("the disk to take it", async () => disk.writable, {
    timeoutMs: 8_000,
    intervalMs: 20,
  });
  say({ recovered: keys });
  await disk.close();
}

await main(process.argv[2] ?? "", Number(process.argv[3]));
