/**
 * The nodes' cgroups: one group per node below one parent, in every hierarchy the kernel has.
 *
 * The kubelet does not create its cgroup root, it only checks for it. On cgroup v1 a new cpuset
 * has no processors and no memory until they are copied from its parent; on v2 a parent must
 * first pass its controllers on.
 */
import { access, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CGROUP_PARENT, type ClusterPlan } from "./plan.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The roots of all hierarchies: one on v2, one per controller on v1. */
async function hierarchies(): Promise<string[]> {
  if (await exists(join(CGROUP_ROOT, "cgroup.controllers"))) return [CGROUP_ROOT];
  const names = await readdir(CGROUP_ROOT);
  return names.map((name) => join(CGROUP_ROOT, name));
}

async function passControllersOn(group: string): Promise<void> {
  const controllers = (await readFile(join(group, "cgroup.controllers"), "utf8")).trim();
  for (const controller of controllers.split(" ").filter((name) => name !== "")) {
    // One at a time: a controller that cannot be passed on must not hold back the others.
    await writeFile(join(group, "cgroup.subtree_control"), `+${controller}`).catch(() => undefined);
  }
}

async function copyCpuset(group: string): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const current = (await readFile(join(group, file), "utf8")).trim();
    if (current !== "") continue;
    await writeFile(join(group, file), await readFile(join(dirname(group), file), "utf8"));
  }
}

async function ensureGroup(root: string, path: string): Promise<void> {
  const group = join(root, path);
  await mkdir(group, { recursive: true });
  if (root === CGROUP_ROOT) {
    await passControllersOn(dirname(group));
  } else if (await exists(join(group, "cpuset.cpus"))) {
    await copyCpuset(group);
  }
}

/** Creates the parent and every node's cgroup in every hierarchy. */
export async function ensureCgroups(plan: ClusterPlan): Promise<void> {
  for (const root of await hierarchies()) {
    await ensureGroup(root, CGROUP_PARENT);
    for (const node of plan.nodes) await ensureGroup(root, node.cgroup);
  }
}

async function groupsBelow(group: string): Promise<string[]> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  const nested = entries.filter((entry) => entry.isDirectory());
  const below = await Promise.all(nested.map((entry) => groupsBelow(join(group, entry.name))));
  return [...below.flat(), group];
}

async function processesOf(group: string): Promise<number[]> {
  const text = await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

/** Every process in the cluster's cgroups: the containers, whoever holds them. */
export async function cgroupProcesses(): Promise<ReadonlySet<number>> {
  const roots = await hierarchies();
  const groups = await Promise.all(roots.map((root) => groupsBelow(join(root, CGROUP_PARENT))));
  return new Set((await Promise.all(groups.flat().map(processesOf))).flat());
}

/** Removes the cluster's cgroups, which must be empty. */
export async function removeCgroups(): Promise<void> {
  for (const root of await hierarchies()) {
    for (const group of await groupsBelow(join(root, CGROUP_PARENT))) {
      await rmdir(group).catch(() => undefined);
    }
  }
}
