/** Asks a peer to compare one number instead of listing what it holds (digest.ts). */
import { ReplicationError } from "./errors.ts";
import type { Request } from "./messages.ts";
import type { Peers } from "./peers.ts";

type Question = Extract<Request, { readonly type: "holds" | "shows-same" }>;

/** Whether it holds exactly what has that digest; null if it does not tell, but may list. */
export async function holdsSame(
  peers: Peers,
  name: string,
  question: Question,
): Promise<boolean | null> {
  try {
    return (await peers.call<"holds" | "shows-same">(name, question)).same;
  } catch (error) {
    if (error instanceof ReplicationError) return null;
    throw error;
  }
}
