/**
 * Who may do what: the nodes' account, their shared token, and the network policy.
 *
 * The token's Secret is not watched, because watching Secrets means being allowed to read
 * everyone's. It is looked at now and then instead, and if it was deleted, it comes back with the
 * same token.
 */
import { KINDS, type KubeObject } from "../../kube/kinds.ts";
import { objectNames } from "../../resources/manifest.ts";
import { networkPolicy } from "../../resources/network-policy.ts";
import { newPeerToken, peerTokenIn, peerTokenSecret } from "../../resources/peer-token.ts";
import { serviceAccount } from "../../resources/service-account.ts";
import type { Pass, Step } from "../pass.ts";

interface SecretObject extends KubeObject {
  data?: Record<string, string>;
}

async function ensureToken(pass: Pass): Promise<string> {
  const { tokens, applier, client, options } = pass.tools;
  const known = tokens.get(pass.uid);
  if (known && Date.now() - known.checkedMs < options.pace.tokenMs) return known.token;
  const name = objectNames(pass.ring.metadata.name).token;
  const key = { namespace: pass.ring.metadata.namespace, name };
  const secret = await client.get<SecretObject>(KINDS.secret, key);
  const found = peerTokenIn(secret?.data);
  const token = found ?? known?.token ?? newPeerToken();
  if (found === undefined) await applier.apply(peerTokenSecret(pass.ring, token), pass.uid);
  tokens.set(pass.uid, { token, checkedMs: Date.now() });
  return token;
}

export const access: Step = {
  name: "access",
  async run(pass) {
    const { applier, options } = pass.tools;
    await applier.apply(serviceAccount(pass.ring), pass.uid);
    await applier.apply(networkPolicy(pass.ring, options.operatorNamespace), pass.uid);
    pass.token = await ensureToken(pass);
  },
};
