/**
 * The peer to compare with: etcd with three members on this machine, as it comes: fsync on, its
 * HTTP gateway, no option that a person would not set. Its program is built from the Go module
 * that the test cluster uses too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePrograms } from "../../hack/cluster/binaries.ts";
import { freePorts } from "../../hack/lib/local-ring.ts";
import { waitFor } from "../../hack/lib/wait-for.ts";

const MEMBERS = 3;
const STARTED_MS_MAX = 30_000;
const STOPPED_MS_MAX = 10_000;
/** Every put of a long run stays on the disk as a revision; the default of 2 GiB could fill. */
const QUOTA_BYTES = 8 * 1024 ** 3;

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

export class EtcdMembers {
  /** Where clients go, one for each member. */
  readonly ports: readonly number[];
  readonly #processes: readonly ChildProcess[];

  private constructor(ports: readonly number[], processes: readonly ChildProcess[]) {
    this.ports = ports;
    this.#processes = processes;
  }

  /** Starts the members with their data below `directory`; resolves when all have a leader. */
  static async start(directory: string): Promise<EtcdMembers> {
    const { etcd } = await ensurePrograms(["etcd"]);
    const ports = await freePorts(Array.from({ length: 2 * MEMBERS }, () => 0));
    const clients = ports.slice(0, MEMBERS);
    const peers = ports.slice(MEMBERS);
    const cluster = peers.map((port, index) => `member-${index}=${urlOf(port)}`).join(",");
    const processes = clients.map((client, index) => {
      const name = `member-${index}`;
      const log = openSync(join(directory, `${name}.log`), "a");
      const options = optionsOf({ name, client, peer: peers[index] ?? 0, directory, cluster });
      const child = spawn(join(etcd, "etcd"), options, { stdio: ["ignore", log, log] });
      closeSync(log);
      return child;
    });
    const members = new EtcdMembers(clients, processes);
    try {
      await waitFor("three etcd members with a leader", () => members.#haveLeader(), {
        timeoutMs: STARTED_MS_MAX,
      });
      return members;
    } catch (cause) {
      await members.stop();
      const log = readFileSync(join(directory, "member-0.log"), "utf8").slice(-2_000);
      throw new Error(`etcd did not start:\n${log}`, { cause });
    }
  }

  get processIds(): number[] {
    return this.#processes.map(({ pid }) => pid ?? 0);
  }

  /** The client port of the member that proposes now. */
  async leaderPort(): Promise<number> {
    for (const port of this.ports) {
      const { header, leader } = await statusOf(port);
      if (header.member_id === leader) return port;
    }
    throw new Error("no etcd member says that it is the leader");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(end));
  }

  async #haveLeader(): Promise<boolean> {
    const all = await Promise.all(this.ports.map(statusOf));
    const leaders = new Set(all.map(({ leader }) => leader));
    return leaders.size === 1 && !leaders.has("0");
  }
}

interface MemberOptions {
  readonly name: string;
  readonly client: number;
  readonly peer: number;
  readonly directory: string;
  readonly cluster: string;
}

function optionsOf({ name, client, peer, directory, cluster }: MemberOptions): string[] {
  const options = {
    name,
    "data-dir": join(directory, name),
    "listen-client-urls": urlOf(client),
    "advertise-client-urls": urlOf(client),
    "listen-peer-urls": urlOf(peer),
    "initial-advertise-peer-urls": urlOf(peer),
    "initial-cluster": cluster,
    "quota-backend-bytes": String(QUOTA_BYTES),
    "log-level": "error",
  };
  return Object.entries(options).map(([option, value]) => `--${option}=${value}`);
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function statusOf(port: number): Promise<Status> {
  const url = `${urlOf(port)}/v3/maintenance/status`;
  const response = await fetch(url, { method: "POST", body: "{}" });
  return (await response.json()) as Status;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOPPED_MS_MAX);
  await ended;
  clearTimeout(timer);
}
