/**
 * Which room of the code may import which, in one table: the arrows of docs/architecture.md,
 * checked. A room is a folder or file below a program's src; what is not in its row is not allowed,
 * and a room without a row is an error, so that a new room is placed on purpose.
 */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { type Finding, type ImportEdge, importsOf, type SourceFile } from "./source.ts";

interface Room {
  /** Rooms it may import, beside itself. */
  readonly rooms: readonly string[];
  /** Packages it may import at run time; `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
  /** Packages it may import with `import type` only. */
  readonly types?: readonly string[];
}

const logging = "pino";
const kubernetes = "@kubernetes/client-node";

const nodeRooms: Record<string, Room> = {
  // The core: no outside at all.
  "node/src/chord": { rooms: [], packages: [] },
  // Where data lies and who agrees on it: as pure as the core.
  "node/src/replication": { rooms: ["node/src/chord"], packages: [] },
  // Values in chunks: rests on the operations of the data layer alone, and is as pure.
  "node/src/large-values": { rooms: ["node/src/chord", "node/src/replication"], packages: [] },
  // HTTP as both ports need it: the server, bodies, error answers. It knows no route.
  "node/src/http": { rooms: ["node/src/chord"], packages: ["node:", "express"] },
  // Clock, randomness, discovery, log, the record file: the core's small ports.
  "node/src/platform": { rooms: ["node/src/chord"], packages: ["node:", "pino"] },
  "node/src/storage": {
    rooms: ["node/src/chord", "node/src/replication"],
    packages: ["node:", "lmdb"],
  },
  "node/src/metrics": {
    rooms: ["node/src/chord", "node/src/replication"],
    packages: ["node:", "prom-client"],
  },
  // What a node knows of the ring, and the crawl over all nodes.
  "node/src/view": { rooms: ["node/src/chord", "node/src/replication"], packages: [] },
  // Clients' operations on keys, between HTTP and the data layer.
  "node/src/kv": {
    rooms: ["node/src/chord", "node/src/http", "node/src/large-values", "node/src/replication"],
    packages: ["node:", "express", "zod"],
  },
  // The two ports of a node, 8081 for its peers and 8080 for clients; neither knows the other.
  "node/src/transport": {
    rooms: [
      "node/src/chord",
      "node/src/http",
      "node/src/kv",
      "node/src/replication",
      "node/src/storage",
      "node/src/view",
    ],
    packages: ["node:", "axios", "express", "undici", "ws", "zod"],
  },
  "node/src/api": {
    rooms: [
      "node/src/chord",
      "node/src/http",
      "node/src/kv",
      "node/src/large-values",
      "node/src/metrics",
      "node/src/replication",
      "node/src/view",
    ],
    packages: ["node:", "express", "zod"],
  },
  "node/src/config.ts": {
    rooms: ["node/src/chord", "node/src/platform"],
    packages: ["node:", "zod"],
  },
  "node/src/main.ts": {
    rooms: [
      "node/package.json",
      "node/src/api",
      "node/src/chord",
      "node/src/config.ts",
      "node/src/http",
      "node/src/kv",
      "node/src/large-values",
      "node/src/metrics",
      "node/src/platform",
      "node/src/replication",
      "node/src/storage",
      "node/src/transport",
      "node/src/view",
    ],
    packages: ["node:", "pino"],
  },
};

const operatorRooms: Record<string, Room> = {
  "operator/src/api": { rooms: [], packages: ["zod"], types: [kubernetes] },
  "operator/src/resources": {
    rooms: ["operator/src/api"],
    packages: ["node:"],
    types: [kubernetes],
  },
  "operator/src/kube": {
    rooms: ["operator/src/api", "operator/src/metrics"],
    packages: ["node:", kubernetes, "undici", "zod"],
    types: [logging],
  },
  "operator/src/ring": {
    rooms: ["operator/src/api"],
    packages: ["node:", "axios", "zod"],
    types: [logging],
  },
  "operator/src/metrics": { rooms: [], packages: ["node:", "prom-client"] },
  "operator/src/reconcile": {
    rooms: [
      "operator/src/api",
      "operator/src/kube",
      "operator/src/metrics",
      "operator/src/resources",
      "operator/src/ring",
    ],
    packages: ["node:"],
    types: [kubernetes, logging],
  },
  "operator/src/config.ts": { rooms: ["operator/src/api"], packages: ["node:", "zod"] },
  "operator/src/main.ts": {
    rooms: [
      "operator/src/api",
      "operator/src/config.ts",
      "operator/src/kube",
      "operator/src/metrics",
      "operator/src/reconcile",
      "operator/src/ring",
    ],
    packages: ["node:", "express", "pino"],
  },
};

const rooms = new Map(Object.entries({ ...nodeRooms, ...operatorRooms }));

/** Folders outside the programs, and the only parts of the repository they may import. */
const neighbours: Record<string, readonly string[]> = {
  "node/sim": ["node/sim", "node/src/chord", "node/src/replication", "node/src/view"],
  "node/model": ["node/model", "hack"],
  "node/ui": ["node/ui"],
  "node/bench": ["node/bench", "node/client", "node/src", "node/sim", "node/test", "hack"],
  // Others take it without a node, so it knows the service by its HTTP interface alone.
  "node/client": ["node/client"],
  "node/test": [
    "node/test",
    "node/src",
    "node/sim",
    "node/ui",
    "node/client",
    "node/bench",
    "hack",
  ],
  "operator/test": ["operator/test", "operator/src"],
  e2e: ["e2e", "hack"],
  hack: ["hack", "operator/src/api"],
};

/** The room a path of a program belongs to: `node/src/chord/id.ts` → `node/src/chord`. */
export function roomOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}

/** Checks every import of one file against the tables. */
export function checkBoundaries(file: SourceFile): Finding[] {
  if (!/\.(ts|js)$/.test(file.path)) return [];
  return importsOf(file).flatMap((edge) => {
    const message = forbidden(file.path, edge);
    return message === undefined ? [] : [{ path: file.path, line: edge.line, message }];
  });
}

function forbidden(path: string, edge: ImportEdge): string | undefined {
  const inProgram = /^(node|operator)\/src\//.test(path);
  if (edge.specifier.startsWith(".")) {
    const target = posix.normalize(posix.join(posix.dirname(path), edge.specifier));
    return inProgram ? forbiddenRoom(path, target) : forbiddenNeighbour(path, target);
  }
  return inProgram ? forbiddenPackage(path, edge) : undefined;
}

function forbiddenRoom(path: string, target: string): string | undefined {
  const from = roomOf(path);
  const to = roomOf(target);
  const room = rooms.get(from);
  if (room === undefined) return `${from} has no row in hack/repository/boundaries.ts; give it one`;
  if (from === to || room.rooms.includes(to)) return undefined;
  return `${from} may not import ${target}; it may import ${list(room.rooms)}`;
}

function forbiddenPackage(path: string, edge: ImportEdge): string | undefined {
  const from = roomOf(path);
  const room = rooms.get(from);
  if (room === undefined) return `${from} has no row in hack/repository/boundaries.ts; give it one`;
  const name = packageName(edge.specifier);
  if (room.packages.includes(name)) return undefined;
  if (room.types?.includes(name) === true) {
    return edge.typeOnly ? undefined : `${from} may only import types of ${name} (import type)`;
  }
  return `${from} may not import ${edge.specifier}; it may import ${list(room.packages)}`;
}

function forbiddenNeighbour(path: string, target: string): string | undefined {
  const folder = Object.keys(neighbours).find((name) => path.startsWith(`${name}/`));
  if (folder === undefined) return undefined;
  const allowed = neighbours[folder] ?? [];
  if (allowed.some((name) => target.startsWith(`${name}/`))) return undefined;
  return `${folder} may not import ${target}; it may import ${list(allowed)}`;
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return "node:";
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing outside itself" : names.join(", ");
}

/** Rows of the tables whose folder or file is gone: a table must not outlive its subject. */
export function staleRooms(root: string): string[] {
  return [...rooms.keys(), ...Object.keys(neighbours)].filter(
    (path) => !existsSync(join(root, path)),
  );
}
