/** Fetches another node's view from its peer port, and checks that it is that node's. */
import type { NodeRef } from "../chord/index.ts";
import type { NodeView } from "../view/node-view.ts";
import { isCount, isFields, isList, isNodeRef, isOr, isState, isText } from "./codec.ts";
import type { PeerHttp } from "./peer-http.ts";

const REFS_MAX = 256;
const TEXT_LENGTH_MAX = 4_096;

export async function fetchView(
  http: PeerHttp,
  node: NodeRef,
  timeoutMs: number,
): Promise<NodeView> {
  const response = await http.request({
    address: node.address,
    method: "GET",
    path: "/admin/view",
    timeoutMs,
  });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const view: unknown = JSON.parse(response.data.toString());
  if (!isNodeView(view)) throw new Error("its view has not the documented form");
  if (view.self.name !== node.name) throw new Error(`${view.self.name} answers at its address`);
  return view;
}

function isNodeView(value: unknown): value is NodeView {
  if (!isFields(value)) return false;
  const view = value as Partial<Record<keyof NodeView, unknown>>;
  return (
    isText(view.ring, TEXT_LENGTH_MAX) &&
    isNodeRef(view.self) &&
    isState(view.state) &&
    isOr(view.predecessor, isNodeRef) &&
    isList(view.successors, REFS_MAX, isNodeRef) &&
    isList(view.fingers, REFS_MAX, (finger) => isFields(finger) && isNodeRef(finger["node"])) &&
    hasScalars(view)
  );
}

function hasScalars(view: Partial<Record<keyof NodeView, unknown>>): boolean {
  return (
    isCount(view.epoch) &&
    isCount(view.keys) &&
    isCount(view.bytes) &&
    typeof view.founded === "boolean" &&
    typeof view.split === "boolean" &&
    isText(view.detail, TEXT_LENGTH_MAX)
  );
}
