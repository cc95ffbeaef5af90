/** `/metrics`: all series in the Prometheus text format. */
import type { Handler } from "../http/handler.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";

export function metricsHandler({ metrics }: { readonly metrics: NodeMetrics }): Handler {
  return async (_request, response) => {
    const { text, contentType } = await metrics.scrape();
    response.writeHead(200, { "Content-Type": contentType, "Cache-Control": "no-store" });
    response.end(text);
  };
}
