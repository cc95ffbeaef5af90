/**
 * The cluster's programs, built from Go modules, because they are the one form in which every part
 * of Kubernetes can be had wherever a language registry can be reached.
 *
 * Each group has its own go.mod under modules/, as their dependency versions exclude each other.
 * A build is kept in the cache under a hash of go.mod, go.sum and the flags: the first run takes
 * minutes, every later one, in any checkout, none.
 */
import { mkdir, readdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { hashFiles } from "../lib/content-hash.ts";
import { type Step, step } from "../lib/progress.ts";
import { findProgram, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";

const KUBERNETES_VERSION = "1.36.3";
const VERSION_VARIABLE = "k8s.io/component-base/version";

interface Group {
  /** Import path that all packages share. */
  readonly module: string;
  /** Packages below it, each becoming one program named after its last part. */
  readonly packages: readonly string[];
  /** The program's name, where the package's last part is not it. */
  readonly programName?: string;
  /** Appended to the linker's flags. */
  readonly linkFlags?: string;
  /** A cold build on two cores. */
  readonly expectedSeconds: number;
}

// Without the stamp every node would report version v0.0.0.
const kubernetesVersionStamp = [
  `-X ${VERSION_VARIABLE}.gitVersion=v${KUBERNETES_VERSION}`,
  `-X ${VERSION_VARIABLE}.gitMajor=${KUBERNETES_VERSION.split(".")[0]}`,
  `-X ${VERSION_VARIABLE}.gitMinor=${KUBERNETES_VERSION.split(".")[1]}`,
].join(" ");

const groups = {
  kubernetes: {
    module: "k8s.io/kubernetes/cmd",
    packages: [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kubelet",
      "kube-proxy",
      "kubectl",
      "kubeadm",
    ],
    linkFlags: kubernetesVersionStamp,
    expectedSeconds: 300,
  },
  etcd: {
    module: "go.etcd.io/etcd/server",
    packages: ["v3"],
    programName: "etcd",
    expectedSeconds: 20,
  },
  containerd: {
    module: "github.com/containerd/containerd/v2/cmd",
    packages: ["containerd", "containerd-shim-runc-v2", "ctr"],
    expectedSeconds: 50,
  },
  cni: {
    module: "github.com/containernetworking/plugins/plugins",
    packages: ["main/bridge", "main/loopback", "ipam/host-local", "meta/portmap"],
    expectedSeconds: 3,
  },
  coredns: { module: "github.com/coredns", packages: ["coredns"], expectedSeconds: 80 },
  helm: { module: "helm.sh/helm/v4/cmd", packages: ["helm"], expectedSeconds: 90 },
  "local-path": {
    module: "github.com/rancher",
    packages: ["local-path-provisioner"],
    expectedSeconds: 50,
  },
  kind: { module: "sigs.k8s.io", packages: ["kind"], expectedSeconds: 10 },
} satisfies Record<string, Group>;

export type GroupName = keyof typeof groups;

/** The groups of the built-in cluster, and helm, which the deployment needs. */
export const builtinGroups: readonly GroupName[] = [
  "kubernetes",
  "etcd",
  "containerd",
  "cni",
  "coredns",
  "local-path",
  "helm",
];

const FLAGS = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-gcflags=all=-dwarf=false"];
const LINK_FLAGS = "-s -w";

/** The directory that PATH gets: links to the programs a person uses. */
export const commandDirectory: string = join(settings.cacheDirectory, "bin");

async function groupDirectory(name: GroupName): Promise<string> {
  const group: Group = groups[name];
  const base = join(import.meta.dirname, "modules", name);
  const words = [...FLAGS, LINK_FLAGS, group.linkFlags ?? "", ...group.packages];
  const key = await hashFiles(base, ["go.mod", "go.sum"], words);
  return join(settings.cacheDirectory, "programs", `${name}-${key}`);
}

async function goProgram(): Promise<string> {
  const go = await findProgram("go");
  if (go !== undefined) return go;
  throw new Error(
    "the cluster's programs are built with Go 1.26 or newer, which is not on PATH; " +
      "install it from https://go.dev/dl and run the command again",
  );
}

async function build(name: GroupName, directory: string, current: Step): Promise<void> {
  const group: Group = groups[name];
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const target = join(unfinished, group.programName ?? "/");
  const linkFlags = `${LINK_FLAGS} ${group.linkFlags ?? ""}`.trim();
  const packages = group.packages.map((path) => `${group.module}/${path}`);
  let compiled = 0;
  const go = await goProgram();
  // Niced: whoever waits for a cluster usually works on the same machine meanwhile.
  await run(
    [
      "nice",
      "-n",
      "10",
      go,
      "build",
      "-v",
      ...FLAGS,
      "-ldflags",
      linkFlags,
      "-o",
      target,
      ...packages,
    ],
    {
      cwd: join(import.meta.dirname, "modules", name),
      // GOGC: the compiler collects less often, which a cold build feels more than the memory.
      environment: { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "", GOGC: "400" },
      timeoutMs: 60 * 60_000,
      onOutput: (text) => {
        compiled += text.split("\n").length - 1;
        current.detail = `${compiled} packages compiled`;
      },
    },
  );
  await rename(unfinished, directory);
}

async function exists(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => [])).length > 0;
}

/** Builds the groups that the cache lacks, one after another, and says where their programs are. */
export async function ensurePrograms<Name extends GroupName>(
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const directories = {} as Record<Name, string>;
  for (const name of names) {
    const directory = await groupDirectory(name);
    if (!(await exists(directory))) {
      const options = { expectedSeconds: groups[name].expectedSeconds };
      await step(`build ${name}`, (current) => build(name, directory, current), options);
    }
    directories[name] = directory;
  }
  return directories;
}

/** Puts one program into the directory that the printed PATH names. */
export async function linkCommand(name: string, program: string): Promise<void> {
  await mkdir(commandDirectory, { recursive: true });
  const link = join(commandDirectory, name);
  const fresh = `${link}.${process.pid}`;
  await symlink(program, fresh);
  await rename(fresh, link);
}
