/** Asks many addresses at once who is there and in what state. Nothing is adopted from it. */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import type { Answer } from "./messages.ts";
import type { Target } from "./ports.ts";

/** Addresses asked at once; more are left for another time. */
export const addressCountMax = 256;

export interface Hellos {
  /** Of other nodes, each once. */
  readonly answers: readonly Answer<"hello">[];
  /** Addresses from which nothing came. */
  readonly silent: ReadonlySet<string>;
}

export async function helloAll(context: Context, targets: readonly Target[]): Promise<Hellos> {
  const { peers, state } = context;
  const silent = new Set<string>();
  const answers = await Promise.all(
    targets.map(async (target) => {
      try {
        return await peers.call<"hello">(target, { type: "hello" });
      } catch (error) {
        if (!(error instanceof ChordError)) throw error;
        silent.add(target.address);
        return null;
      }
    }),
  );
  const others = new Map<string, Answer<"hello">>();
  for (const answer of answers) {
    if (answer !== null && answer.self.id !== state.self.id) others.set(answer.self.id, answer);
  }
  return { answers: [...others.values()], silent };
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
