/**
 * `/v1/partitions`: who holds what, as this node knows it. Clients that read it can send an
 * operation to the node that will carry it out, and the page draws it.
 */
import { sendJson } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import type { Replication } from "../replication/index.ts";

type Source = Pick<Replication, "partitions" | "clientAddresses" | "view">;

export function partitionsHandler({ replication }: { readonly replication: Source }): Handler {
  return (_request, response) => {
    const views = replication.partitions();
    const body = {
      partitions: views.length,
      generation: replication.view().roster?.generation ?? 0,
      nodes: replication.clientAddresses(),
      views,
    };
    sendJson(response, 200, JSON.stringify(body));
  };
}
