/**
 * A real Prometheus on this machine, scraping the pods of one ring.
 *
 * The program is the one on PATH, else Debian's package, unpacked into the cache: installing it
 * would also start a service, which the tests neither need nor want.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, run } from "../../hack/lib/run.ts";
import { settings } from "../../hack/lib/settings.ts";
import { type Endpoint, exchange, getJson } from "./http.ts";
import { eventually, minuteMs } from "./wait.ts";

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

export class Prometheus {
  readonly #child: ChildProcess;
  readonly #endpoint: Endpoint;
  readonly #directory: string;
  #output = "";

  private constructor(child: ChildProcess, endpoint: Endpoint, directory: string) {
    this.#child = child;
    this.#endpoint = endpoint;
    this.#directory = directory;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-4_000);
    });
  }

  /** Starts one that scrapes `/metrics` of these endpoints, and waits until it is ready. */
  static async start(targets: readonly Endpoint[]): Promise<Prometheus> {
    const program = await prometheusProgram();
    const directory = await mkdtemp(join(tmpdir(), "chordring-prometheus-"));
    const endpoint = { host: "127.0.0.1", port: await freePort() };
    const addresses = targets.map(({ host, port }) => `${host}:${port}`);
    const configuration = {
      global: { scrape_interval: "2s", scrape_timeout: "2s" },
      scrape_configs: [{ job_name: "ring", static_configs: [{ targets: addresses }] }],
    };
    // JSON is YAML too.
    await writeFile(join(directory, "prometheus.yml"), JSON.stringify(configuration));
    const words = [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=${endpoint.host}:${endpoint.port}`,
    ];
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
    const prometheus = new Prometheus(child, endpoint, directory);
    await prometheus.#ready();
    return prometheus;
  }

  async #ready(): Promise<void> {
    await eventually("Prometheus is ready", minuteMs, async () => {
      const { status } = await exchange(this.#endpoint, { path: "/-/ready" });
      if (status !== 200) throw new Error(`it answers ${status}; its log ends: ${this.#output}`);
    });
  }

  /** The one number that a query gives now; an error when it gives none or several. */
  async query(expression: string): Promise<number> {
    const path = `/api/v1/query?query=${encodeURIComponent(expression)}`;
    const { data } = await getJson<QueryAnswer>(this.#endpoint, path);
    const [first, ...more] = data.result;
    if (first === undefined || more.length > 0) {
      throw new Error(`${expression} has ${data.result.length} results, not one`);
    }
    return Number(first.value[1]);
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function prometheusProgram(): Promise<string> {
  const unpacked = join(settings.cacheDirectory, "prometheus");
  const cached = join(unpacked, "usr", "bin", "prometheus");
  const installed = await findProgram("prometheus");
  if (installed !== undefined) return installed;
  if (existsSync(cached)) return cached;
  if ((await findProgram("apt-get")) === undefined) {
    throw new Error("this test needs Prometheus: put the program `prometheus` on PATH");
  }
  await unpackDebianPackage("prometheus", unpacked);
  return cached;
}

/** Downloads a package and unpacks it whole or not at all. */
async function unpackDebianPackage(name: string, destination: string): Promise<void> {
  await mkdir(settings.cacheDirectory, { recursive: true });
  const directory = await mkdtemp(join(settings.cacheDirectory, `${name}-download-`));
  try {
    const download = ["apt-get", "download", "-qq", name];
    const first = await run(download, { cwd: directory, allowFailure: true });
    if (first.code !== 0) {
      // The package lists are missing or too old; only root may renew them.
      await run(["apt-get", "update", "-qq"]);
      await run(download, { cwd: directory });
    }
    const archive = (await readdir(directory)).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`apt-get downloaded no package ${name}`);
    const content = join(directory, "content");
    await run(["dpkg-deb", "--extract", join(directory, archive), content]);
    await rename(content, destination);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no free port"));
        else resolve(address.port);
      });
    });
  });
}
