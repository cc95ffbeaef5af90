/**
 * A CPU profile of a running node through its inspector, begun and ended around the load alone:
 * a profile of a process's whole life would mostly show its start.
 */
import { once } from "node:events";
import type { CpuProfile } from "./cpu-profile.ts";

const SAMPLE_INTERVAL_MICROSECONDS = 250;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.#take(JSON.parse(String(data)) as Answer);
    });
  }

  /** `log` is what the node has written, its inspector's address among it. */
  static async connect(log: string): Promise<Inspector> {
    const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
    if (url === undefined) throw new Error("the node was started without --inspect");
    const socket = new WebSocket(url);
    await once(socket, "open");
    return new Inspector(socket);
  }

  async begin(): Promise<void> {
    await this.#ask("Profiler.enable");
    await this.#ask("Profiler.setSamplingInterval", { interval: SAMPLE_INTERVAL_MICROSECONDS });
    await this.#ask("Profiler.start");
  }

  async end(): Promise<CpuProfile> {
    const { profile } = (await this.#ask("Profiler.stop")) as { profile: CpuProfile };
    return profile;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  #take({ id = 0, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error.message));
  }
}
