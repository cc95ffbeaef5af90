/**
 * The Secret with the token that the nodes and the operator show each other on the peer port.
 *
 * It is made once and never rewritten: nodes read it at different times, and two tokens in one ring
 * would cut it apart.
 */
import { randomBytes } from "node:crypto";
import type { ChordRing } from "../api/chordring.ts";
import { type Manifest, metadata, objectNames } from "./manifest.ts";

export const TOKEN_FILE = "token";
const TOKEN_LENGTH_BYTES = 32;

export interface SecretManifest extends Manifest {
  type: "Opaque";
  data: Record<string, string>;
}

export function newPeerToken(): string {
  return randomBytes(TOKEN_LENGTH_BYTES).toString("base64url");
}

export function peerTokenSecret(ring: ChordRing, token: string): SecretManifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(ring, objectNames(ring.metadata.name).token),
    type: "Opaque",
    data: { [TOKEN_FILE]: Buffer.from(token).toString("base64") },
  };
}

/** The token in a Secret that was written before, or undefined if it holds none. */
export function peerTokenIn(data: Record<string, string> | undefined): string | undefined {
  const token = Buffer.from(data?.[TOKEN_FILE] ?? "", "base64").toString();
  return token === "" ? undefined : token;
}
