/** Both disks keep the same promises. */
import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LmdbDisk } from "../../src/storage/lmdb-disk.ts";
import { emptyKept, MemoryDisk } from "../../src/storage/memory-disk.ts";
import { FileOnVolume } from "../support/full-volume.ts";
import { type ClosableDisk, diskSuite } from "./disk.ts";

const incarnation = "0123456789abcdef";
let kept = emptyKept(incarnation);

diskSuite({
  name: "memory",
  open: () => new MemoryDisk(kept),
  // Whoever opens it next takes it away from the one before.
  crash: () => undefined,
  setFull: (full) => {
    kept.full = full;
  },
  clean: async () => {
    kept = emptyKept(incarnation);
  },
});

const volume = { full: false };
let base: string | undefined;
let lives = 0;
let crashed: ClosableDisk[] = [];
let present: LmdbDisk | undefined;

function directory(life: number): string {
  base ??= mkdtempSync(join(tmpdir(), "chordring-disk-"));
  return join(base, `${life}`);
}

diskSuite({
  name: "lmdb",
  open: () => {
    const path = directory(lives);
    present = new LmdbDisk(path, new FileOnVolume(path, volume));
    return present;
  },
  // What the file has in this moment is what a process finds that begins after the crash.
  crash: () => {
    mkdirSync(directory(lives + 1));
    copyFileSync(join(directory(lives), "data.lmdb"), join(directory(lives + 1), "data.lmdb"));
    lives += 1;
    if (present !== undefined) crashed.push(present);
  },
  setFull: (full) => {
    volume.full = full;
  },
  clean: async () => {
    await Promise.all(crashed.map((disk) => disk.close()));
    crashed = [];
    if (base !== undefined) await rm(base, { recursive: true, force: true });
    base = undefined;
    lives = 0;
  },
});
