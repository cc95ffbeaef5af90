/** Asks many addresses at once who is there and in what state. Nothing is adopted from it. */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Answer } from "./messages.ts";
import type { Target } from "./ports.ts";

/** Addresses asked at once; more are left for another time. */
export const addressCountMax = 256;

/** Other nodes that answered, each once; addresses without an answer are left out. */
export async function helloAll(
  context: Context,
  targets: readonly Target[],
): Promise<Answer<"hello">[]> {
  const { peers, state } = context;
  const answers = await Promise.all(
    targets.map(async (target) => {
      try {
        return await peers.call<"hello">(target, { type: "hello" });
      } catch (error) {
        if (!(error instanceof ChordError)) throw error;
        return null;
      }
    }),
  );
  const others = new Map<string, Answer<"hello">>();
  for (const answer of answers) {
    if (answer !== null && answer.self.id !== state.self.id) others.set(answer.self.id, answer);
  }
  return [...others.values()];
}

/** Addresses from name service as targets, without this node's own. */
export async function knownTargets(
  context: Context,
  more: Iterable<string> = [],
): Promise<Target[]> {
  const addresses = new Set(more);
  for (const address of await context.ports.discovery.addresses()) addresses.add(address);
  addresses.delete(context.state.self.address);
  return [...addresses].slice(0, addressCountMax).map((address) => ({ address, name: null }));
}
