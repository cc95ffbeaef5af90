/**
 * What a node remembers of its ring, in one small file. It is replaced as a whole: written beside,
 * synced, renamed, and the directory synced, so that a crash leaves the old record or the new one.
 *
 * A damaged file is no reason to stay down: the node says so and returns as one that remembers
 * nothing, which joins through any member.
 */
import { readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Log, RecordStore, RingRecord } from "../chord/ports.ts";

const FILE_NAME = "ring.json";

export function recordFile(directory: string, log: Pick<Log, "warn">): RecordStore {
  const path = join(directory, FILE_NAME);
  let current = load(path, log);
  let last: Promise<void> = Promise.resolve();
  return {
    load: () => current,
    save: (record) => {
      // One after the other: two writers of one temporary file would mix their records.
      last = last
        .catch(() => undefined)
        .then(() => save(directory, path, record))
        .then(() => {
          current = record;
        });
      return last;
    },
  };
}

function load(path: string, log: Pick<Log, "warn">): RingRecord | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const record = parse(text);
  if (record === null) log.warn("The ring record is damaged, goes on without it", { path });
  return record;
}

function parse(text: string): RingRecord | null {
  try {
    const record = JSON.parse(text) as Partial<RingRecord> | null;
    const valid =
      typeof record?.ring === "string" &&
      Number.isSafeInteger(record.epoch) &&
      Array.isArray(record.names) &&
      record.names.every((name) => typeof name === "string");
    return valid ? (record as RingRecord) : null;
  } catch {
    return null;
  }
}

async function save(directory: string, path: string, record: RingRecord): Promise<void> {
  const temporary = `${path}.new`;
  await mkdir(directory, { recursive: true });
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(directory, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
