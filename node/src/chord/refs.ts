/** Which nodes a message or reply speaks of, so that each one's identity can be checked. */
import type { NodeRef, Replies, Request, RequestType } from "./messages.ts";

/** All references in a reply; how many, the transport has bounded. */
export function refsOf(reply: Replies[RequestType]): NodeRef[] {
  const refs: NodeRef[] = [];
  if ("predecessor" in reply && reply.predecessor !== null) refs.push(reply.predecessor);
  if ("successors" in reply) refs.push(...reply.successors);
  if ("nodes" in reply) refs.push(...reply.nodes);
  return refs;
}

/** All references in a request. */
export function refsOfRequest(request: Request): readonly NodeRef[] {
  if (request.type === "hint") return request.successors;
  if (request.type === "start") return request.members;
  return [];
}
