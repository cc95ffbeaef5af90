/**
 * The only reader of the environment. Everything is parsed once into a frozen object; all problems
 * are reported together, because fixing them one restart at a time is slow.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { DiscoverySource } from "./platform/discovery.ts";

export interface Limits {
  /** The largest value that is stored. What is above 1 MiB passes through in chunks. */
  readonly valueBytesMax: number;
  /** Bodies held in memory at once by all requests; beyond it requests are told to come back. */
  readonly bodyBytesMax: number;
  /** Open connections per port; more are closed at once. */
  readonly connectionsMax: number;
  /** How long one client operation may take, routing and retries included. */
  readonly operationTimeoutMs: number;
  /**
   * How long storing a large value may take, and reading one that was replaced meanwhile; chunks
   * that no value has are kept for so long.
   */
  readonly uploadLeaseMs: number;
}

export interface Config {
  readonly name: string;
  /** The ring's name, shown to people. */
  readonly ring: string;
  /** The ring's identity, checked on every message between nodes. */
  readonly ringId: string;
  readonly advertiseHost: string;
  /** The address to listen on; undefined: all. */
  readonly listenHost: string | undefined;
  readonly apiPort: number;
  readonly peerPort: number;
  readonly dataDirectory: string;
  readonly seed: string | null;
  readonly discovery: DiscoverySource;
  readonly peerToken: string;
  readonly configFile: string;
  readonly logLevel: string;
  readonly limits: Limits;
  /** Failure domain; null if unknown. */
  readonly zone: string | null;
  readonly file: FileConfig;
}

/** The part that the operator writes into a ConfigMap. */
export interface FileConfig {
  readonly founders: readonly string[];
  readonly successors: number;
  readonly stabilizeIntervalMs: number;
  /** Replicas of each value when the ring begins; later the operator's roster says. */
  readonly copies: number;
}

/** Thrown with every problem found, one a line; the exit code for it is 64 (EX_USAGE). */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`);
    this.problems = problems;
  }
}

/** Pod names: they go into headers, so nothing but DNS characters may pass. */
const nodeName = z
  .string("the node's name, unique in the ring, for example demo-0")
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "must be a DNS name of lower-case letters");
const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, "must have the form host:port");
/** It goes into a header. */
const ringIdentity = z.string().regex(/^[\x21-\x7e]{1,512}$/, "1 to 512 visible ASCII characters");

const bounded = (min: number, max: number): z.ZodCoercedNumber =>
  z.coerce.number().int().min(min, `must be ${min} to ${max}`).max(max, `must be ${min} to ${max}`);

const discoverySource = z.string().transform((text, context): DiscoverySource => {
  const dns = /^dns:([A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  if (dns !== null) return { type: "dns", host: dns[1] ?? "", port: Number(dns[2]) };
  const addresses = text.startsWith("static:") ? text.slice("static:".length).split(",") : [];
  if (addresses.length > 0 && addresses.every((one) => address.safeParse(one).success)) {
    return { type: "static", addresses };
  }
  context.addIssue("must have the form dns:name:port or static:host:port,host:port");
  return z.NEVER;
});

const environmentSchema = z.object({
  CHORD_NODE_NAME: nodeName,
  CHORD_RING: z.string().min(1).max(253),
  CHORD_RING_ID: ringIdentity,
  CHORD_ADVERTISE_HOST: z.string().regex(/^[0-9A-Za-z.:_-]+$/, "must be a host name or an address"),
  CHORD_LISTEN_HOST: z.string().min(1).optional(),
  CHORD_API_PORT: bounded(0, 65_535).default(8080),
  CHORD_PEER_PORT: bounded(1, 65_535).default(8081),
  CHORD_DATA_DIR: z.string().min(1).default("/data"),
  CHORD_SEED: address.optional(),
  CHORD_DISCOVERY: discoverySource,
  CHORD_PEER_TOKEN_FILE: z.string().min(1),
  CHORD_CONFIG_FILE: z.string().min(1),
  CHORD_ZONE: z.string().min(1).max(253).optional(),
  CHORD_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  CHORD_VALUE_BYTES_MAX: bounded(1, 4 * 1024 * 1024 * 1024).default(1024 * 1024),
  CHORD_BODY_BYTES_MAX: bounded(1024, 4 * 1024 * 1024 * 1024).default(64 * 1024 * 1024),
  CHORD_CONNECTIONS_MAX: bounded(1, 65_535).default(4_096),
  CHORD_OPERATION_TIMEOUT_MS: bounded(100, 60_000).default(2_000),
  CHORD_UPLOAD_LEASE_MS: bounded(1_000, 86_400_000).default(900_000),
});

const fileSchema = z.object({
  founders: z.array(nodeName).max(65).default([]),
  successors: z.number().int().min(1).max(64).default(4),
  stabilizeIntervalMs: z.number().int().min(10).max(600_000).default(1_000),
  copies: z.number().int().min(1).max(7).default(3),
});

/** Reads and checks everything. Throws `ConfigError` with all problems. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  // An empty variable is how a manifest or a shell leaves one out.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) problems.push(...parsed.error.issues.map(describe));
  const token = readInto(problems, "CHORD_PEER_TOKEN_FILE", given, parseToken);
  const file = readInto(problems, "CHORD_CONFIG_FILE", given, parseFileConfig);
  if (!parsed.success || token === undefined || file === undefined || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return freeze(parsed.data, token, file);
}

function freeze(env: z.infer<typeof environmentSchema>, token: string, file: FileConfig): Config {
  return Object.freeze({
    name: env.CHORD_NODE_NAME,
    ring: env.CHORD_RING,
    ringId: env.CHORD_RING_ID,
    advertiseHost: env.CHORD_ADVERTISE_HOST,
    listenHost: env.CHORD_LISTEN_HOST,
    apiPort: env.CHORD_API_PORT,
    peerPort: env.CHORD_PEER_PORT,
    dataDirectory: env.CHORD_DATA_DIR,
    seed: env.CHORD_SEED ?? null,
    discovery: Object.freeze(env.CHORD_DISCOVERY),
    peerToken: token,
    configFile: env.CHORD_CONFIG_FILE,
    logLevel: env.CHORD_LOG_LEVEL,
    zone: env.CHORD_ZONE ?? null,
    limits: Object.freeze({
      valueBytesMax: env.CHORD_VALUE_BYTES_MAX,
      bodyBytesMax: Math.max(env.CHORD_BODY_BYTES_MAX, heldAtOnce(env.CHORD_VALUE_BYTES_MAX)),
      connectionsMax: env.CHORD_CONNECTIONS_MAX,
      operationTimeoutMs: env.CHORD_OPERATION_TIMEOUT_MS,
      uploadLeaseMs: env.CHORD_UPLOAD_LEASE_MS,
    }),
    file,
  });
}

/** Of one value on its way: a large one passes in chunks, several of which are held. */
function heldAtOnce(valueBytesMax: number): number {
  return Math.min(valueBytesMax, 8 * 1024 * 1024);
}

/** Reads a file named by a variable; a problem is noted under the variable's name. */
function readInto<T>(
  problems: string[],
  variable: string,
  given: Readonly<Record<string, string | undefined>>,
  parse: (text: string) => T,
): T | undefined {
  const path = given[variable];
  if (path === undefined) return undefined;
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    problems.push(`${variable}: ${path}: ${String(error)}`);
    return undefined;
  }
}

function parseToken(text: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]{16,4096}$/.test(token)) {
    throw new Error("a token has 16 to 4096 visible ASCII characters");
  }
  return token;
}

function parseFileConfig(text: string): FileConfig {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return Object.freeze(parsed.data);
  throw new Error(parsed.error.issues.map(describe).join("; "));
}

/** The founders as the file names them now; the operator may write it after the node's start. */
export async function readFounders(configFile: string): Promise<readonly string[]> {
  return parseFileConfig(await readFile(configFile, "utf8")).founders;
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  const missing = issue.code === "invalid_type" && issue.input === undefined;
  return `${path}: ${missing ? "is missing" : issue.message}`;
}
