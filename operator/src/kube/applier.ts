/**
 * Writes manifests by server-side apply, and only when something would change.
 *
 * Each object carries a fingerprint of the manifest it was last applied from. Same fingerprint and
 * every wanted field in place: nothing to do. So a settled ring costs no writes at all, a field
 * that leaves the manifest is dropped from the object, and a field that somebody else changes is
 * put back.
 *
 * An object of the right name that belongs to somebody else is never touched.
 */
import type { Logger } from "pino";
import { GROUP } from "../api/chordring.ts";
import type { ApiClient } from "./api-client.ts";
import { contains } from "./contains.ts";
import { type Kind, type KubeObject, keyText, kindNamed, type ObjectKey } from "./kinds.ts";
import type { Store } from "./store.ts";

export const APPLIED_ANNOTATION = `${GROUP}/applied`;
/** If somebody keeps changing a field back, this is how often the operator changes it again. */
const CONTEST_PAUSE_MS = 60_000;

/** The name is taken by an object that the ring does not own. */
export class NameTakenError extends Error {}

export interface ApplierPorts {
  client: ApiClient;
  /** The cache of a kind, if the operator keeps one. */
  storeOf: (kind: Kind) => Store<KubeObject> | undefined;
  fingerprint: (manifest: unknown) => string;
  log: Logger;
}

export interface Applied<T> {
  object: T;
  outcome: "unchanged" | "created" | "updated";
}

/** Objects out of a list do not name their kind, so the kind is not compared. */
function isInPlace(live: KubeObject, wanted: KubeObject): boolean {
  const { apiVersion: _apiVersion, kind: _kind, ...fields } = wanted;
  return contains(live, fields);
}

export class Applier {
  readonly #ports: ApplierPorts;
  readonly #correctedMs = new Map<string, number>();

  constructor(ports: ApplierPorts) {
    this.#ports = ports;
  }

  /** Reads an object from the cache or, if it is not there, from the API server. */
  async read<T extends KubeObject>(kind: Kind, key: ObjectKey): Promise<T | undefined> {
    const cached = this.#ports.storeOf(kind)?.get(key) as T | undefined;
    return cached ?? this.#ports.client.get<T>(kind, key);
  }

  /** Makes the object be as `manifest` says; `ownerUid` is the ring that must own it. */
  async apply<T extends KubeObject>(manifest: KubeObject, ownerUid: string): Promise<Applied<T>> {
    const kind = kindNamed(manifest.apiVersion ?? "", manifest.kind ?? "");
    const { name, namespace = "" } = manifest.metadata;
    const key = { namespace, name };
    const live = await this.read<T>(kind, key);
    if (live) this.#refuseForeign(kind, live, ownerUid);
    const fingerprint = this.#ports.fingerprint(manifest);
    const annotations = { ...manifest.metadata.annotations, [APPLIED_ANNOTATION]: fingerprint };
    const wanted = { ...manifest, metadata: { ...manifest.metadata, annotations } };
    if (live && (isInPlace(live, wanted) || this.#isContested(kind, live, fingerprint))) {
      return { object: live, outcome: "unchanged" };
    }
    const object = await this.#ports.client.apply<T>(kind, wanted);
    this.#ports.storeOf(kind)?.put(object);
    const outcome = live ? "updated" : "created";
    this.#ports.log.info({ kind: kind.kind, object: keyText(key), outcome }, "Applied an object");
    return { object, outcome };
  }

  /** Deletes an object of the ring if it exists; returns whether it did. */
  async remove(kind: Kind, key: ObjectKey, ownerUid: string): Promise<boolean> {
    const live = this.#ports.storeOf(kind)?.get(key);
    if (!live || live.metadata.deletionTimestamp !== undefined) return false;
    this.#refuseForeign(kind, live, ownerUid);
    await this.#ports.client.delete(kind, key, live.metadata.uid);
    this.#ports.log.info({ kind: kind.kind, object: keyText(key) }, "Deleted an object");
    return true;
  }

  #refuseForeign(kind: Kind, live: KubeObject, ownerUid: string): void {
    const owners = live.metadata.ownerReferences ?? [];
    if (owners.some((owner) => owner.uid === ownerUid)) return;
    const controller = owners.find((owner) => owner.controller === true);
    const owner = controller ? `${controller.kind} ${controller.name}` : "somebody else";
    throw new NameTakenError(
      `${kind.kind} ${live.metadata.name} exists already and belongs to ${owner}: ` +
        "delete or rename it, or give the ring another name",
    );
  }

  /**
   * The manifest is the one applied last, so somebody changed the object since. That is corrected
   * at once the first time; if it goes on, only now and then, so that two controllers that disagree
   * do not fill the API server.
   */
  #isContested(kind: Kind, live: KubeObject, fingerprint: string): boolean {
    if (live.metadata.annotations?.[APPLIED_ANNOTATION] !== fingerprint) return false;
    const id = `${kind.kind}/${live.metadata.uid}/${fingerprint}`;
    const lastMs = this.#correctedMs.get(id) ?? Number.NEGATIVE_INFINITY;
    if (Date.now() - lastMs < CONTEST_PAUSE_MS) return true;
    for (const [key, timeMs] of this.#correctedMs) {
      if (Date.now() - timeMs > CONTEST_PAUSE_MS) this.#correctedMs.delete(key);
    }
    this.#correctedMs.set(id, Date.now());
    this.#ports.log.warn(
      { kind: kind.kind, object: live.metadata.name },
      "Object was changed by somebody else, setting it back",
    );
    return false;
  }
}
