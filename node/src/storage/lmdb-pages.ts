/**
 * Whether a file can be given to lmdb. lmdb maps the file and trusts it: of one that is cut, or is
 * none of its own, it would end the process without a word. So both meta pages must look like
 * lmdb's, and every page that is in use must lie in the file. Damage inside of pages is beyond
 * this: lmdb has no checksums of them, records have their own.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

export const PAGE_BYTES = 4_096;

/** Of a page's header, behind which the places of its nodes are listed. */
const FLAGS_OFFSET = 18;
const NODES_LENGTH_OFFSET = 20;
const HEADER_BYTES = 24;
const BRANCH = 0x01;
const LEAF = 0x02;

/** Of a meta page. */
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;
const PAGE_BYTES_OFFSET = 48;
const FREE_ROOT_OFFSET = 88;
const MAIN_ROOT_OFFSET = 136;
const LAST_PAGE_OFFSET = 144;
const TRANSACTION_OFFSET = 152;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** Of a node. */
const NODE_FLAGS_OFFSET = 4;
const KEY_LENGTH_OFFSET = 6;
const NODE_HEADER_BYTES = 8;
/** Its value has pages of its own; where, and how many, stands in its place. */
const ON_PAGES = 0x01;
const PAGE_COUNT_OFFSET = 16;

const damaged = "the file is damaged or no lmdb database";

/** Throws what is wrong with the file. One that is not there, or is empty, is a new one. */
export function checkPages(path: string): void {
  if (!existsSync(path)) return;
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return;
    const meta = newestMeta(descriptor);
    if ((meta.readBigUInt64LE(LAST_PAGE_OFFSET) + 1n) * BigInt(PAGE_BYTES) <= BigInt(size)) return;
    // It is shorter than lmdb once thought to need. That is no harm if only free pages lack.
    const roots = [meta.readBigUInt64LE(FREE_ROOT_OFFSET), meta.readBigUInt64LE(MAIN_ROOT_OFFSET)];
    checkTrees(descriptor, BigInt(Math.floor(size / PAGE_BYTES)), roots);
  } finally {
    closeSync(descriptor);
  }
}

function newestMeta(descriptor: number): Buffer {
  const metas = [0, 1].map((page) => readPage(descriptor, page));
  for (const meta of metas) {
    const known = meta.readUInt32LE(MAGIC_OFFSET) === MAGIC;
    if (!known || meta.readUInt32LE(PAGE_BYTES_OFFSET) !== PAGE_BYTES) throw new Error(damaged);
  }
  const [first, second] = metas as [Buffer, Buffer];
  const transactionOf = (meta: Buffer): bigint => meta.readBigUInt64LE(TRANSACTION_OFFSET);
  return transactionOf(first) > transactionOf(second) ? first : second;
}

/** Every page that is reached from the roots must be one of the first `pages`. */
function checkTrees(descriptor: number, pages: bigint, roots: readonly bigint[]): void {
  const waiting = roots.filter((root) => root !== NO_PAGE);
  for (let visited = 0n; visited < pages; visited += 1n) {
    const page = waiting.pop();
    if (page === undefined) return;
    checkInside(page, pages);
    const bytes = readPage(descriptor, Number(page));
    const nodes = nodesOf(bytes);
    if (isBranch(bytes)) waiting.push(...nodes.map((node) => childOf(bytes, node)));
    else for (const node of nodes) checkInside(lastPageOf(bytes, node), pages);
  }
  // More than there are: they lead round in a circle.
  if (waiting.length > 0) throw new Error(damaged);
}

function checkInside(page: bigint, pages: bigint): void {
  if (page >= pages) throw new Error(`${damaged}: a part of it is missing`);
}

function isBranch(page: Buffer): boolean {
  const flags = page.readUInt16LE(FLAGS_OFFSET);
  if ((flags & (BRANCH | LEAF)) === 0) throw new Error(damaged);
  return (flags & BRANCH) !== 0;
}

/** Where the nodes of a page begin. */
function nodesOf(page: Buffer): readonly number[] {
  const listEnd = HEADER_BYTES + page.readUInt16LE(NODES_LENGTH_OFFSET);
  if (listEnd > PAGE_BYTES) throw new Error(damaged);
  const nodes: number[] = [];
  for (let at = HEADER_BYTES; at < listEnd; at += 2) {
    const node = HEADER_BYTES + page.readUInt16LE(at);
    if (node + NODE_HEADER_BYTES > PAGE_BYTES) throw new Error(damaged);
    nodes.push(node);
  }
  return nodes;
}

/** A branch's node has the page's number where others have lengths and flags. */
function childOf(page: Buffer, node: number): bigint {
  return BigInt(page.readUIntLE(node, 6));
}

/** The last page of a value that has pages of its own; 0, which is always there, if it has none. */
function lastPageOf(page: Buffer, node: number): bigint {
  if ((page.readUInt16LE(node + NODE_FLAGS_OFFSET) & ON_PAGES) === 0) return 0n;
  const value = node + NODE_HEADER_BYTES + page.readUInt16LE(node + KEY_LENGTH_OFFSET);
  if (value + PAGE_COUNT_OFFSET + 8 > PAGE_BYTES) throw new Error(damaged);
  return page.readBigUInt64LE(value) + page.readBigUInt64LE(value + PAGE_COUNT_OFFSET) - 1n;
}

function readPage(descriptor: number, page: number): Buffer {
  const bytes = Buffer.alloc(PAGE_BYTES);
  const length = readSync(descriptor, bytes, 0, PAGE_BYTES, page * PAGE_BYTES);
  if (length !== PAGE_BYTES) throw new Error(damaged);
  return bytes;
}
