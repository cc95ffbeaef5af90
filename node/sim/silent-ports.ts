/** Ports for tests that do not look at logs or metrics. */
import type { Log, Metrics } from "../src/chord/index.ts";

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {} };

export const silentMetrics: Metrics = {
  lookup: () => {},
  stabilized: () => {},
  successorChanged: () => {},
  predecessorChanged: () => {},
  fingerFixed: () => {},
  rpc: () => {},
  rpcFailed: () => {},
};
