/**
 * The key under which a chunk lies: it names the upload that stored it, the fence at which that
 * began, its place in the value, and the key that the value is for. So all that the collector has
 * to know stands in a listing, and the chunks of an upload stand together in it.
 */
import { RESERVED_PREFIX } from "../replication/index.ts";

export interface ChunkName {
  readonly upload: string;
  readonly fence: number;
  readonly index: number;
  /** The key that the value is for. */
  readonly owner: string;
}

const FORM = /^([0-9a-f]{32})-(\d{1,16})-(\d{1,16})-(.+)$/su;

export function chunkKey({ upload, fence, index, owner }: ChunkName): string {
  return `${RESERVED_PREFIX}${upload}-${fence}-${index}-${owner}`;
}

/** Null for a reserved key that is none of a chunk. */
export function parseChunkKey(key: string): ChunkName | null {
  if (!key.startsWith(RESERVED_PREFIX)) return null;
  const parts = FORM.exec(key.slice(RESERVED_PREFIX.length));
  if (parts === null) return null;
  const [, upload = "", fence, index, owner = ""] = parts;
  return { upload, fence: Number(fence), index: Number(index), owner };
}
