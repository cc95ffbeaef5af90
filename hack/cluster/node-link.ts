/**
 * A Kubernetes node's link to the other nodes, which tests cut and heal like a cable.
 *
 * On the built-in cluster the cable is a veth pair, on kind two rules in the node container's own
 * tables; on neither is anything of the host touched. What is on the node keeps running and can
 * still be asked, from inside its network. Both ways may be repeated without harm.
 */
import { output } from "../lib/run.ts";
import { insideNode, setNodeLink } from "./builtin/network.ts";
import type { NodePlan } from "./builtin/plan.ts";

export interface NodeLink {
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** The body of a GET, asked on the node's own side of the cut. */
  ask(url: string): Promise<string>;
}

/** A crawl of a ring that has just lost nodes waits for each of them. */
const ASK_TIMEOUT_MS = 15_000;

// A person's machine need not have curl, and this very Node is certainly there.
const fetchScript = `
  const signal = AbortSignal.timeout(${ASK_TIMEOUT_MS});
  const response = await fetch(process.argv[1], { signal });
  if (!response.ok) throw new Error(process.argv[1] + " answered " + response.status);
  process.stdout.write(await response.text());
`;

/** The link of a node of the built-in cluster. */
export function builtinLink(node: NodePlan): NodeLink {
  const fetching = [process.execPath, "--input-type=module", "--eval", fetchScript];
  return {
    cut: () => setNodeLink(node, "down"),
    heal: () => setNodeLink(node, "up"),
    ask: (url) => output([...insideNode(node), ...fetching, url]),
  };
}

/** Everything that comes in from other nodes, and everything that leaves for them. */
const dropRules = [
  "-t raw -I PREROUTING -i eth0 -j DROP",
  "-t mangle -I POSTROUTING -o eth0 -j DROP",
];

/**
 * The link of a node that is a container of this engine, as kind makes them. Rules, because a
 * container that is disconnected from its network comes back with another address, and an
 * interface that was down comes back without its routes.
 */
export function containerLink(engine: string, node: string): NodeLink {
  const inside = (...words: readonly string[]): Promise<string> =>
    output([engine, "exec", node, ...words]);
  const heal = async (): Promise<void> => {
    for (const rule of dropRules) {
      const remove = `iptables -w ${rule.replace("-I", "-D")} 2>/dev/null`;
      await inside("sh", "-c", `while ${remove}; do :; done`);
    }
  };
  const cut = async (): Promise<void> => {
    await heal();
    for (const rule of dropRules) await inside("iptables", "-w", ...rule.split(" "));
  };
  const seconds = String(ASK_TIMEOUT_MS / 1_000);
  return {
    cut,
    heal,
    ask: (url) => inside("curl", "--silent", "--show-error", "--fail", "--max-time", seconds, url),
  };
}
