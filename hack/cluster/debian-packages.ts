/**
 * The few programs that come from Debian packages instead of Go modules.
 * They are installed only where that is safe to do unasked: as root, by apt, when missing.
 */
import { step } from "../lib/progress.ts";
import { findProgram, run } from "../lib/run.ts";

/** Program looked for, and the package that brings it. */
const packageOf = {
  runc: "runc",
  iptables: "iptables",
  conntrack: "conntrack",
  buildah: "buildah",
  mmdebstrap: "mmdebstrap",
  ip: "iproute2",
  nsenter: "util-linux",
  mount: "mount",
  chromium: "chromium",
  wrk: "wrk",
  strace: "strace",
  faketime: "faketime",
  spin: "spin",
  gcc: "build-essential",
} as const;

export type DebianProgram = keyof typeof packageOf;

let listsUpdated = false;

/** Runs `apt-get update` the first time a package is needed. */
export async function updatePackageLists(): Promise<void> {
  if (listsUpdated) return;
  await step("update the Debian package lists", () => run(["apt-get", "update", "-qq"]), {
    expectedSeconds: 10,
  });
  listsUpdated = true;
}

/** Makes sure that the programs are there, or says which packages to install. */
export async function ensureDebianPrograms(programs: readonly DebianProgram[]): Promise<void> {
  const missing: string[] = [];
  for (const program of programs) {
    if ((await findProgram(program)) === undefined) missing.push(packageOf[program]);
  }
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0 || (await findProgram("apt-get")) === undefined) {
    throw new Error(`missing programs; install these packages and run again: ${list}`);
  }
  await updatePackageLists();
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing];
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  await step(`install Debian packages ${list}`, () => run(install, { environment }), {
    expectedSeconds: 30,
  });
}
