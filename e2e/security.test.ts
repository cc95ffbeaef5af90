/**
 * Goal: a ring asks for no more rights than it needs, nor does the operator, and both leave nothing
 * behind that blocks the deletion of a namespace.
 * Method: run a ring under the restricted pod security standard and look at what it was given; read
 * every rule bound to the operator's account; delete the namespace.
 */
import assert from "node:assert/strict";
import type {
  V1ClusterRole,
  V1ClusterRoleBindingList,
  V1PolicyRule,
  V1RoleBindingList,
  V1RoleRef,
  V1Secret,
} from "@kubernetes/client-node";
import { apiFind, apiGet, kubectl, tryKubectl } from "./support/cluster.ts";
import { type Endpoint, exchange } from "./support/http.ts";
import { OPERATOR, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "./support/operator.ts";
import { reach } from "./support/reach.ts";
import { PEER_PORT, Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs } from "./support/wait.ts";

const restricted = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/enforce-version": "latest",
};

describe("security: least rights for rings and operator, clean ends", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("security", { labels: restricted });
  let ring: Ring;

  before(
    prepared(namespace, async () => {
      ring = await Ring.create(namespace, "guarded", { replicas: 3 });
    }),
  );

  it("a ring runs in a namespace that enforces the restricted standard", async () => {
    await ring.ideal(3, 3 * minuteMs);
  });

  it("no pod has a service account's token", async () => {
    for (const pod of await ring.pods()) {
      assert.equal(pod.spec?.automountServiceAccountToken, false);
      const projected = (pod.spec?.volumes ?? []).flatMap(
        (volume) => volume.projected?.sources ?? [],
      );
      assert.deepEqual(projected, []);
      const mounts = pod.spec?.containers.flatMap((one) => one.volumeMounts ?? []) ?? [];
      assert.ok(!mounts.some(({ mountPath }) => mountPath.startsWith("/var/run/secrets")));
    }
  });

  it("the root file system is read-only and the user is nobody in particular", async () => {
    const script =
      "const fs=require('node:fs');console.log(process.getuid());fs.writeFileSync('/app/x','')";
    const words = ["exec", "guarded-0", "--", "node", "--eval", script];
    const { code, stdout, stderr } = await tryKubectl(["--namespace", namespace, ...words]);
    assert.notEqual(code, 0);
    assert.equal(stdout.trim(), "65532");
    assert.match(stderr, /EROFS|EACCES/);
  });

  describe("the peer port", () => {
    let endpoint: Endpoint;
    let token: string;

    before(
      prepared(namespace, async () => {
        const { name, ip } = await ring.node(0);
        endpoint = await reach({ namespace, name, ip }, PEER_PORT);
        const path = `/api/v1/namespaces/${namespace}/secrets/guarded-peer-token`;
        const secret = await apiGet<V1Secret>(path);
        token = Buffer.from(secret.data?.["token"] ?? "", "base64").toString();
        assert.ok(token.length >= 32);
      }),
    );

    const requests: readonly (readonly [method: string, path: string])[] = [
      ["GET", "/admin/view"],
      ["GET", "/admin/ring"],
      ["POST", "/admin/leave"],
      ["PUT", "/admin/roster"],
      ["GET", "/replication"],
      ["POST", "/admin/rejoin"],
      ["PUT", "/kv/some-key"],
      ["GET", "/"],
    ];
    for (const [method, path] of requests) {
      it(`answers 401 to ${method} ${path} without the token, and with a wrong one`, async () => {
        const wrong = ["", "Bearer", "Bearer wrong", `Bearer ${token}x`, `Basic ${token}`];
        const replies = await Promise.all([
          exchange(endpoint, { method, path }),
          ...wrong.map((authorization) =>
            exchange(endpoint, { method, path, headers: { authorization } }),
          ),
        ]);
        assert.deepEqual(
          replies.map(({ status }) => status),
          replies.map(() => 401),
        );
      });
    }

    it("answers with the token, and the node is still in the ring", async () => {
      const headers = { authorization: `Bearer ${token}` };
      const { status, body } = await exchange(endpoint, { path: "/admin/view", headers });
      assert.equal(status, 200, body.toString());
      await ring.ideal(3, minuteMs);
    });

    it("does not serve clients, and the client port does not serve peers", async () => {
      const { endpoint: clients } = await ring.node(0);
      for (const path of ["/admin/view", "/admin/ring"]) {
        assert.equal((await exchange(clients, { path })).status, 404);
      }
      const leave = await exchange(clients, { method: "POST", path: "/admin/leave" });
      assert.ok([404, 405].includes(leave.status), String(leave.status));
    });
  });

  describe("the operator's rights", () => {
    it("name every group, resource and verb", async () => {
      const rules = await operatorRules();
      assert.ok(rules.length > 0);
      for (const { apiGroups = [], resources = [], verbs } of rules) {
        const names = [...apiGroups, ...resources, ...verbs];
        assert.ok(!names.some((name) => name.includes("*")), JSON.stringify(names));
      }
    });

    const refused: readonly string[][] = [
      ["list", "secrets", "--all-namespaces"],
      ["watch", "secrets", "--all-namespaces"],
      ["delete", "secrets", "--all-namespaces"],
      ["create", "pods", "--all-namespaces"],
      ["delete", "pods", "--all-namespaces"],
      ["create", "pods", "--subresource=exec", "--all-namespaces"],
      ["delete", "persistentvolumeclaims", "--all-namespaces"],
      ["create", "clusterrolebindings"],
      ["create", "rolebindings", "--all-namespaces"],
      ["impersonate", "users"],
      ["patch", "nodes"],
      ["delete", "nodes"],
      ["delete", "chordrings", "--all-namespaces"],
    ];
    for (const question of refused) {
      it(`do not let it ${question.join(" ")}`, async () => {
        const words = ["auth", "can-i", ...question, `--as=${OPERATOR_ACCOUNT}`];
        assert.equal((await tryKubectl(words)).stdout.trim(), "no");
      });
    }
  });

  // In a group of its own, because mocha runs single tests before groups.
  describe("the end", () => {
    it("a namespace with a ring in it goes away", async () => {
      await kubectl(["delete", "namespace", namespace, "--wait=false"]);
      await eventually(`namespace ${namespace} is gone`, 2 * minuteMs, async () => {
        const found = await apiFind<{ status: unknown }>(`/api/v1/namespaces/${namespace}`);
        assert.equal(found, undefined, JSON.stringify(found?.status));
      });
    });
  });
});

/** All rules that any binding gives to the operator's account. */
async function operatorRules(): Promise<V1PolicyRule[]> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const bindings = [
    ...(await apiGet<V1ClusterRoleBindingList>(`${rbac}/clusterrolebindings`)).items,
    ...(await apiGet<V1RoleBindingList>(`${rbac}/rolebindings`)).items,
  ];
  const ours = bindings.filter(({ subjects }) =>
    subjects?.some(
      ({ kind, name, namespace }) =>
        kind === "ServiceAccount" && name === OPERATOR && namespace === OPERATOR_NAMESPACE,
    ),
  );
  const pathOf = ({ kind, name }: V1RoleRef, namespace: string): string =>
    kind === "ClusterRole"
      ? `${rbac}/clusterroles/${name}`
      : `${rbac}/namespaces/${namespace}/roles/${name}`;
  const roles = await Promise.all(
    ours.map(({ roleRef, metadata }) =>
      apiGet<V1ClusterRole>(pathOf(roleRef, metadata?.namespace ?? "")),
    ),
  );
  return roles.flatMap(({ rules }) => rules ?? []);
}
