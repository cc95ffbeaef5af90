/**
 * A cut that always ends: one Kubernetes node is off the others' network for as long as somebody
 * here wants it so, and not a moment longer.
 *
 * The cut is held by a process in a session of its own (hold-cut.ts), which heals it as soon as the
 * pipe from its caller closes. A caller that fails, is interrupted or is killed closes that pipe
 * too, whatever it had no time to do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { plan } from "./current.ts";
import { builtinLink, containerLink, type NodeLink } from "./node-link.ts";

/** What the API server says of a node, as far as it tells where that node runs. */
export interface NodeFacts {
  readonly name: string;
  readonly address: string;
  /** `spec.providerID`; kind writes `kind://ENGINE/CLUSTER/NODE`. */
  readonly providerId: string;
}

const HOLD_PROGRAM = join(import.meta.dirname, "hold-cut.ts");
/** What the holder says once the node is cut off. */
export const CUT_LINE = "cut";

/** The node's link, or undefined where nobody on this machine can cut it. */
export function linkOf({ name, address, providerId }: NodeFacts): NodeLink | undefined {
  const builtin = plan.nodes.find((node) => node.name === name && node.address === address);
  if (builtin !== undefined) return builtinLink(builtin);
  const [, engine, node] = /^kind:\/\/([a-z]+)\/[^/]+\/([^/]+)$/.exec(providerId) ?? [];
  return engine === undefined || node === undefined ? undefined : containerLink(engine, node);
}

export class Cut {
  readonly #holder: ChildProcess;
  readonly #ended: Promise<string | undefined>;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    let problem = "";
    holder.stderr?.setEncoding("utf8").on("data", (text: string) => {
      problem = (problem + text).slice(-1_000);
    });
    this.#ended = new Promise((resolve) => {
      holder.once("error", (error) => resolve(error.message));
      holder.once("close", (code) => resolve(code === 0 ? undefined : problem.trim()));
    });
  }

  /** Cuts a node off, and answers once that is so. */
  static async begin({ name, address, providerId }: NodeFacts): Promise<Cut> {
    const words = [HOLD_PROGRAM, name, address, providerId];
    const holder = spawn(process.execPath, words, { detached: true, stdio: "pipe" });
    const cut = new Cut(holder);
    const begun = new Promise<true>((resolve) => {
      const lines = createInterface({ input: holder.stdout });
      lines.on("line", (line) => {
        if (line === CUT_LINE) resolve(true);
      });
    });
    const outcome = await Promise.race([begun, cut.#ended]);
    if (outcome !== true) throw new Error(`${name} cannot be cut off: ${outcome}`);
    return cut;
  }

  /** Ends the cut, and answers once the node is connected again; again has no effect. */
  async heal(): Promise<void> {
    this.#holder.stdin?.end();
    const problem = await this.#ended;
    if (problem !== undefined) throw new Error(`the cut cannot be healed: ${problem}`);
  }
}
