/**
 * What a node remembers of its ring, in one small file. It is replaced as a whole: written beside,
 * synced, renamed, and the directory synced, so that a crash leaves the old record or the new one.
 */
import { readFileSync } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { RecordStore, RingRecord } from "../chord/ports.ts";

const FILE_NAME = "ring.json";

export function recordFile(directory: string): RecordStore {
  const path = join(directory, FILE_NAME);
  let current = load(path);
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

function load(path: string): RingRecord | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const record = parse(text);
  if (record === null) {
    throw new Error(
      `${path} is not a ring record: restore it, or delete it to let the node join as a new one`,
    );
  }
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
