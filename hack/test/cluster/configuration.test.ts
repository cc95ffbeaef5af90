/**
 * Goal: what the cluster's daemons are given can be parsed and fits together. Method: render every
 * file from one plan, parse it, and compare the addresses that two of them must agree on.
 */
import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { addonObjects, corefile, storageConfig } from "../../cluster/builtin/addons.ts";
import { auditPolicy } from "../../cluster/builtin/control-plane.ts";
import { cniConfig, kubeletConfig, kubeProxyConfig } from "../../cluster/builtin/node-daemons.ts";
import { kubeadmConfig } from "../../cluster/builtin/pki.ts";
import { clusterPlan, network, type NodePlan } from "../../cluster/builtin/plan.ts";
import { kindConfig } from "../../cluster/kind.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const plan = clusterPlan("/cache");
const worker = plan.nodes[1] as NodePlan;

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  });
}

describe("the configuration of the built-in cluster fits together", () => {
  it("no two nodes share an address, a subnet, a directory or a cgroup", () => {
    for (const field of ["name", "address", "podSubnet", "directory", "cgroup", "zone"] as const) {
      const values = plan.nodes.map((node) => node[field]);
      assert.equal(new Set(values).size, plan.nodes.length, field);
    }
  });

  it("interface names fit into the kernel's 15 characters", () => {
    for (const node of plan.nodes) assert.ok(node.hostLink.length <= 15, node.hostLink);
  });

  it("a node's pods get addresses of that node's subnet", () => {
    const config = JSON.parse(cniConfig(worker)) as {
      plugins: { ipam?: { ranges: { subnet: string }[][] } }[];
    };
    assert.equal(config.plugins[0]?.ipam?.ranges[0]?.[0]?.subnet, worker.podSubnet);
  });

  it("pods ask the Service that stands for the name server", () => {
    const kubelet = parse(kubeletConfig(plan, worker)) as { clusterDNS: string[] };
    const service = documents(addonObjects(plan)).find(({ metadata, kind }) => {
      return kind === "Service" && metadata.name === "kube-dns";
    }) as unknown as { spec: { clusterIP: string } };
    assert.deepEqual(kubelet.clusterDNS, [service.spec.clusterIP]);
    assert.match(corefile(plan), new RegExp(`bind ${plan.controlPlane.address}\\n`));
  });

  it("every node has a place for volumes, and a default class asks for it", () => {
    const { nodePathMap } = JSON.parse(storageConfig(plan)) as { nodePathMap: { node: string }[] };
    assert.deepEqual(
      nodePathMap.map(({ node }) => node),
      plan.nodes.map(({ name }) => name),
    );
    const names = documents(addonObjects(plan)).map(
      ({ kind, metadata }) => `${kind} ${metadata.name}`,
    );
    assert.ok(names.includes("StorageClass standard"));
  });

  it("files for kubeadm, kube-proxy, kind and the audit log are valid YAML", () => {
    const texts = [
      kubeadmConfig(plan, worker),
      kubeProxyConfig(plan, worker),
      kindConfig("/audit"),
      auditPolicy,
    ];
    for (const text of texts) assert.ok(documents(text).length > 0);
    assert.match(kubeadmConfig(plan, worker), new RegExp(network.serviceRange));
  });
});
