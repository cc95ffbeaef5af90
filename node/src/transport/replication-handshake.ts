/**
 * What both ends of a connection between nodes agree on before the first message: where it is asked
 * for, who asks, of which ring, and in which form the messages will be.
 */
import { timingSafeEqual } from "node:crypto";

export const REPLICATION_PATH = "/replication";
/** Names the form of the messages: a node that knows another one only refuses the connection. */
export const REPLICATION_PROTOCOL = "chordring-replication-1";
/** The ring's identity, as addresses of pods are used again by pods of other rings. */
export const RING_HEADER = "x-chord-ring";
/** Each end's name: the address may be another node's by now. */
export const NODE_HEADER = "x-chord-node";

/** Compares without showing by its time how much of a wrong token is right. */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  return (authorization) => {
    const given = Buffer.from(authorization ?? "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}
