/** `/v1/ring`: this node's view. `/v1/ring/nodes`: the whole ring, and whether it is ideal. */
import { sendJson } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import type { Crawler } from "../view/crawl.ts";
import type { NodeView } from "../view/node-view.ts";

export function ringHandler({ view }: { readonly view: () => NodeView }): Handler {
  return (_request, response) => sendJson(response, 200, JSON.stringify(view()));
}

export function ringNodesHandler({ crawler }: { readonly crawler: Crawler }): Handler {
  return async (_request, response) => {
    sendJson(response, 200, JSON.stringify(await crawler.crawl()));
  };
}
