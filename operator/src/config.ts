/**
 * The operator's settings: the only reader of the environment. Every problem is reported at once.
 */
import { hostname } from "node:os";
import { z } from "zod";

/** 0 takes any free port; the log says which. */
const port = z.coerce.number().int().min(0).max(65_535);

const schema = z.object({
  /** Image that rings run unless they name one themselves. */
  CHORDRING_NODE_IMAGE: z.string().min(1),
  /** The operator's own namespace: its Lease is there, and NetworkPolicies let it in. */
  CHORDRING_NAMESPACE: z.string().min(1),
  /** Names this process among its standbys; the pod's name unless set. */
  CHORDRING_IDENTITY: z.string().min(1).default(hostname()),
  CHORDRING_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  CHORDRING_METRICS_PORT: port.default(8080),
  /** Rings worked on at the same time. */
  CHORDRING_WORKERS: z.coerce.number().int().min(1).max(100).default(10),
});

export interface OperatorConfig {
  nodeImage: string;
  namespace: string;
  identity: string;
  logLevel: "trace" | "debug" | "info" | "warn" | "error";
  metricsPort: number;
  workers: number;
}

/** All that is wrong with the environment, one line a setting. */
export class ConfigError extends Error {}

export function readConfig(environment: NodeJS.ProcessEnv = process.env): OperatorConfig {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(`the environment is not usable:\n${lines.join("\n")}`);
  }
  const { data } = parsed;
  return Object.freeze({
    nodeImage: data.CHORDRING_NODE_IMAGE,
    namespace: data.CHORDRING_NAMESPACE,
    identity: data.CHORDRING_IDENTITY,
    logLevel: data.CHORDRING_LOG_LEVEL,
    metricsPort: data.CHORDRING_METRICS_PORT,
    workers: data.CHORDRING_WORKERS,
  });
}
