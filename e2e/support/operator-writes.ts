/**
 * What the operator writes to the API server: counted in the audit log where the cluster keeps one
 * within reach, and visible in any cluster by the resource versions of a ring's objects.
 */
import { access, constants, open, stat } from "node:fs/promises";
import { config } from "../config.ts";
import { apiGet } from "./cluster.ts";
import { OPERATOR_ACCOUNT } from "./operator.ts";
import type { Ring } from "./ring.ts";

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly objectRef?: { readonly namespace?: string };
}

/** The end of the audit log now, or undefined where there is none that this user may read. */
export async function auditMark(): Promise<number | undefined> {
  if (config.auditLog === "") return undefined;
  try {
    await access(config.auditLog, constants.R_OK);
    return (await stat(config.auditLog)).size;
  } catch {
    return undefined;
  }
}

/** The operator's writes into a namespace since a mark, by the audit log, one line each. */
export async function operatorWritesSince(mark: number, namespace: string): Promise<string[]> {
  const file = await open(config.auditLog);
  try {
    const { size } = await file.stat();
    if (size < mark) throw new Error("the audit log was rotated; run this test again");
    const { buffer } = await file.read({ buffer: Buffer.alloc(size - mark), position: mark });
    return buffer
      .toString()
      .split("\n")
      .flatMap((line) => {
        // The last line may still be in the middle of being written.
        if (!line.endsWith("}")) return [];
        const { verb, user, requestURI, objectRef } = JSON.parse(line) as AuditEvent;
        const theirs = user.username !== OPERATOR_ACCOUNT || objectRef?.namespace !== namespace;
        return theirs ? [] : [`${verb} ${requestURI}`];
      });
  } finally {
    await file.close();
  }
}

const OBJECT_LISTS = [
  "/apis/chordring.dev/v1alpha1/namespaces/{namespace}/chordrings",
  "/apis/apps/v1/namespaces/{namespace}/statefulsets",
  "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
  "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
  "/api/v1/namespaces/{namespace}/services",
  "/api/v1/namespaces/{namespace}/configmaps",
  "/api/v1/namespaces/{namespace}/secrets",
  "/api/v1/namespaces/{namespace}/serviceaccounts",
  "/api/v1/namespaces/{namespace}/events",
];

interface ObjectList {
  readonly kind: string;
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
  }[];
}

/** The version of every object in the ring's namespace that the operator could write. */
export async function objectVersions({ namespace }: Ring): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const path of OBJECT_LISTS) {
    const { kind, items } = await apiGet<ObjectList>(path.replace("{namespace}", namespace));
    for (const { metadata } of items)
      versions[`${kind} ${metadata.name}`] = metadata.resourceVersion;
  }
  return versions;
}
