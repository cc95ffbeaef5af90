/** Both engines keep the same promises. */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LmdbEngine } from "../../src/storage/lmdb.ts";
import { type MemoryDisk, MemoryEngine, memoryDisk } from "../../src/storage/memory.ts";
import { VersionedStore } from "../../src/storage/versioned-store.ts";
import { storeSuite } from "./store.ts";

let disk: MemoryDisk = memoryDisk();

storeSuite({
  name: "memory",
  open: async () => new VersionedStore(new MemoryEngine(disk)),
  clean: async () => {
    disk = memoryDisk();
  },
});

let directory: string | undefined;

storeSuite({
  name: "lmdb",
  open: async () => {
    directory ??= mkdtempSync(join(tmpdir(), "chordring-store-"));
    return new VersionedStore(new LmdbEngine(directory));
  },
  clean: async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    directory = undefined;
  },
});
