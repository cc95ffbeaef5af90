/** The one operator installation that all suites share: where it is, whether it works, its end. */
import assert from "node:assert/strict";
import type { V1Deployment, V1Lease, V1Pod, V1PodList } from "@kubernetes/client-node";
import { apiGet, kubeConfig, kubectl } from "./cluster.ts";
import { decideReach } from "./reach.ts";
import { eventually, minuteMs } from "./wait.ts";

export const RELEASE = "chordring";
export const OPERATOR_NAMESPACE = "chordring-system";
export const OPERATOR = "chordring-operator";
export const OPERATOR_ACCOUNT = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR}`;

const METRICS_PORT = 8080;

export async function operatorPods(): Promise<V1Pod[]> {
  const selector = encodeURIComponent(`app.kubernetes.io/name=${OPERATOR}`);
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods?labelSelector=${selector}`;
  return (await apiGet<V1PodList>(path)).items;
}

/** Waits until one operator is ready and holds the lease, and answers its pod. */
export async function operatorReady(withinMs: number = 2 * minuteMs): Promise<V1Pod> {
  return eventually(
    "the operator is ready and leads (install it by `make deploy`)",
    withinMs,
    async () => {
      const path = `/apis/apps/v1/namespaces/${OPERATOR_NAMESPACE}/deployments/${OPERATOR}`;
      const { spec, status } = await apiGet<V1Deployment>(path);
      assert.ok(
        (status?.readyReplicas ?? 0) >= 1,
        `ready ${status?.readyReplicas} of ${spec?.replicas}`,
      );
      const lease = await apiGet<V1Lease>(
        `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/${OPERATOR}`,
      );
      const holder = lease.spec?.holderIdentity ?? "nobody";
      const leader = (await operatorPods()).find((pod) =>
        holder.includes(pod.metadata?.name ?? "?"),
      );
      assert.ok(leader?.status?.podIP, `the lease is held by ${holder}, which is no running pod`);
      return leader;
    },
  );
}

/** Finds out with the operator's pod, which listens from the start, how pods are reached. */
export async function decideReachByOperator(): Promise<void> {
  // Waiting does not bring a missing kubeconfig.
  kubeConfig();
  const { metadata, status } = await operatorReady();
  const name = metadata?.name ?? "";
  await decideReach({ namespace: OPERATOR_NAMESPACE, name, ip: status?.podIP ?? "" }, METRICS_PORT);
}

/** Kills the operator's pods without a chance to tidy up. */
export async function killOperator(): Promise<void> {
  const names = (await operatorPods()).map((pod) => pod.metadata?.name ?? "");
  const words = ["--namespace", OPERATOR_NAMESPACE, "--force", "--grace-period=0"];
  await kubectl(["delete", "pod", ...names, ...words]);
}

export async function stopOperator(): Promise<void> {
  await scaleOperator(0);
  await eventually("no operator runs", minuteMs, async () => {
    const names = (await operatorPods()).map((pod) => pod.metadata?.name);
    assert.deepEqual(names, []);
  });
}

export async function startOperator(): Promise<void> {
  await scaleOperator(1);
  await operatorReady();
}

async function scaleOperator(replicas: number): Promise<void> {
  const target = ["deployment", OPERATOR, "--namespace", OPERATOR_NAMESPACE];
  await kubectl(["scale", ...target, `--replicas=${replicas}`]);
}
