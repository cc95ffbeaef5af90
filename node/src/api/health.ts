/**
 * `/healthz`: alive. It answers as long as the event loop turns, whatever the ring or the disk do,
 * because a restart cures neither a full disk nor a ring that is not there yet.
 * `/readyz`: in the ring, known to it, able to write. A node that is not ready gets no clients.
 */
import { sendJson, unavailable } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";

export interface Health {
  readonly ready: boolean;
  /** What the node waits for, for people. */
  readonly detail: string;
}

export function liveness(): Handler {
  return (_request, response) => sendJson(response, 200, '{"status":"alive"}');
}

export function readiness({ health }: { readonly health: () => Health }): Handler {
  return (_request, response) => {
    const { ready, detail } = health();
    if (!ready) throw unavailable("not_ready", detail);
    sendJson(response, 200, '{"status":"ready"}');
  };
}
