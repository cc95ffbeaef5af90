/**
 * `make fuzz`: requests made up from docs/openapi.yaml, right ones and wrong ones, against a ring
 * of real nodes. Schemathesis (PyPI) makes them and judges the answers: none may be another than
 * the document tells, and no 5xx may be one that it does not name.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runScript } from "./lib/command-line.ts";
import { LocalRing } from "./lib/local-ring.ts";
import { withLock } from "./lib/lock.ts";
import { say, step } from "./lib/progress.ts";
import { findProgram, run } from "./lib/run.ts";
import { settings } from "./lib/settings.ts";

const { repositoryRoot, cacheDirectory } = settings;
const VERSION = "4.32.5";
const NODES = 3;
const START_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const FUZZ_TIMEOUT_MS = 60 * 60_000;
/** Where it keeps what failed. */
const artifacts = join(repositoryRoot, "artifacts", "fuzz");
/** So that large values are stored in pieces, too. */
const VALUE_BYTES_MAX = 8 * 1024 * 1024;

interface Options {
  /** Made-up requests of each operation. */
  readonly examples: number;
  readonly seed: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      examples: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
    },
  });
  const { examples, seed } = values;
  for (const [name, text] of Object.entries({ examples, seed })) {
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} is ${text}: give a whole number`);
  }
  return { examples: Number(examples), seed: Number(seed) };
}

/** The program's path; it is installed with pip into the cache if that lacks it. */
async function ensureFuzzer(): Promise<string> {
  const directory = join(cacheDirectory, "programs", `schemathesis-${VERSION}`);
  const program = join(directory, "bin", "schemathesis");
  await withLock(join(cacheDirectory, "schemathesis.lock"), async () => {
    const found = await run([program, "--version"], { allowFailure: true }).catch(() => undefined);
    if (found?.code === 0) return;
    const python = await findProgram("python3");
    if (python === undefined) {
      throw new Error("the fuzzer is a Python program: install Python 3.10 or newer with venv");
    }
    await step(`install schemathesis ${VERSION}`, async () => {
      await run([python, "-m", "venv", "--clear", directory]);
      const pip = [join(directory, "bin", "pip"), "install", "--quiet"];
      await run([...pip, `schemathesis==${VERSION}`], { timeoutMs: INSTALL_TIMEOUT_MS });
    });
  });
  return program;
}

async function main(): Promise<void> {
  const { examples, seed } = readOptions();
  const program = await ensureFuzzer();
  await mkdir(artifacts, { recursive: true });
  const environment = { CHORD_VALUE_BYTES_MAX: String(VALUE_BYTES_MAX) };
  const ring = await LocalRing.start({ nodes: NODES, environment });
  try {
    await step(`Starting ${NODES} nodes`, async () => {
      await ring.converged(NODES, START_TIMEOUT_MS);
      await ring.placed(START_TIMEOUT_MS);
    });
    const config = ["--config-file", join(repositoryRoot, "hack", "schemathesis.toml")];
    const where = ["run", join(repositoryRoot, "docs", "openapi.yaml"), "--url", ring.node(0).api];
    const made = ["--max-examples", String(examples), "--seed", String(seed)];
    const shown = ["--continue-on-failure", "--no-color", "--generation-database", "none"];
    const { code } = await run([program, ...config, ...where, ...made, ...shown], {
      cwd: artifacts,
      allowFailure: true,
      timeoutMs: FUZZ_TIMEOUT_MS,
      onOutput: (text) => process.stdout.write(text),
    });
    if (code !== 0) {
      say(`to repeat it: make fuzz SEED=${seed}`);
      process.exitCode = 1;
    }
  } finally {
    await ring.stop();
  }
}

await runScript(main);
