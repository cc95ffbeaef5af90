/** The Log port over pino: JSON lines, a constant message, everything that varies in fields. */
import { type Logger, pino } from "pino";
import type { Log } from "../chord/ports.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  readonly level: string;
  /** Shown on every line, so that lines of several nodes can be told apart in one stream. */
  readonly node: string;
}

export function createLogger(options: LoggerOptions): Logger {
  return pino({
    level: options.level,
    base: { node: options.node },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** One component's log in the form the core takes. */
export function componentLog(logger: Logger, component: string): Log {
  const child = logger.child({ component });
  return {
    debug: (message, fields) => child.debug(fields ?? {}, message),
    info: (message, fields) => child.info(fields ?? {}, message),
    warn: (message, fields) => child.warn(fields ?? {}, message),
  };
}
