/**
 * kubectl as the cluster's administrator, whatever kubectl or kubeconfig the caller has.
 */
import { output, type RunOptions, run } from "../lib/run.ts";

export class Kubectl {
  readonly #prefix: readonly string[];

  constructor(program: string, kubeconfig: string) {
    this.#prefix = [program, "--kubeconfig", kubeconfig];
  }

  /** The full command line, for callers that keep it running. */
  command(words: readonly string[]): readonly string[] {
    return [...this.#prefix, ...words];
  }

  /** Runs kubectl and answers its standard output. */
  text(words: readonly string[], options: RunOptions = {}): Promise<string> {
    return output(this.command(words), options);
  }

  /** Runs `kubectl ... --output json` and parses it. */
  async json<T>(words: readonly string[]): Promise<T> {
    return JSON.parse(await this.text([...words, "--output", "json"])) as T;
  }

  /** Server-side apply of a YAML stream. */
  async apply(objects: string): Promise<void> {
    const words = ["apply", "--server-side", "--force-conflicts", "--field-manager=chordring-hack"];
    await run(this.command([...words, "--filename", "-"]), { input: objects });
  }
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
  }[];
}

/** Names of the nodes whose condition Ready is True. */
export async function readyNodes(kubectl: Kubectl): Promise<string[]> {
  const list = await kubectl.json<NodeList>(["get", "nodes"]);
  const ready = (node: NodeList["items"][number]): boolean =>
    (node.status.conditions ?? []).some(
      ({ type, status }) => type === "Ready" && status === "True",
    );
  return list.items.filter(ready).map((node) => node.metadata.name);
}
