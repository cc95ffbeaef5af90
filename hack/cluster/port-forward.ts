/**
 * A `kubectl port-forward` that lives as long as its holder: the one way to a pod or Service that
 * works alike on every cluster.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Kubectl } from "./kubectl.ts";

const OPEN_TIMEOUT_MS = 20_000;

export class PortForward {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, localPort: string) {
    this.#child = child;
    this.url = `http://127.0.0.1:${localPort}`;
  }

  /** Opens a forward from a free local port to e.g. `pod/demo-0` or `service/demo`. */
  static open(
    kubectl: Kubectl,
    target: { readonly namespace: string; readonly resource: string; readonly port: number },
  ): Promise<PortForward> {
    const { namespace, resource, port } = target;
    const words = ["port-forward", "--namespace", namespace, resource, `:${port}`];
    const [program = "", ...programArguments] = kubectl.command(words);
    const child = spawn(program, programArguments, { stdio: ["ignore", "pipe", "pipe"] });
    return new Promise((resolve, reject) => {
      let output = "";
      const fail = (reason: string): void => {
        clearTimeout(timer);
        child.kill();
        reject(new Error(`cannot reach ${resource}: ${reason}\n${output.trim()}`));
      };
      const timer = setTimeout(() => fail("no forward in time"), OPEN_TIMEOUT_MS);
      child.once("error", (error) => fail(error.message));
      child.once("exit", () => fail("kubectl port-forward ended"));
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const localPort = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output)?.[1];
        if (localPort === undefined) return;
        clearTimeout(timer);
        child.removeAllListeners("exit");
        resolve(new PortForward(child, localPort));
      });
    });
  }

  close(): void {
    this.#child.kill();
  }
}
