/**
 * Events on a ring, as `kubectl describe ring` shows them.
 *
 * The same news is told once: an event that repeats within ten minutes is dropped, and one that
 * repeats later raises the count of the first. The event's name is a fingerprint of what it says,
 * so that holds across restarts of the operator too. Events are news, not state: failing to write
 * one never fails the work.
 */
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { type ApiClient, isNamespaceEnding, isStatus } from "./api-client.ts";
import { KINDS, type KubeObject } from "./kinds.ts";

const REPEAT_AFTER_MS = 600_000;
const REMEMBERED_MAX = 4_096;
const MESSAGE_LENGTH_MAX = 1_024;

export interface EventSubject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; uid: string };
}

export interface News {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

interface EventObject extends KubeObject {
  involvedObject: object;
  type: string;
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
  reportingComponent: string;
  reportingInstance: string;
}

export class EventRecorder {
  readonly #client: ApiClient;
  readonly #log: Logger;
  readonly #instance: string;
  readonly #toldMs = new Map<string, number>();

  constructor(client: ApiClient, log: Logger, instance: string) {
    this.#client = client;
    this.#log = log;
    this.#instance = instance;
  }

  async record(subject: EventSubject, news: News): Promise<void> {
    const message = news.message.slice(0, MESSAGE_LENGTH_MAX);
    const identity = [subject.metadata.uid, news.type, news.reason, message].join("\n");
    const id = createHash("sha256").update(identity).digest("hex").slice(0, 16);
    const lastMs = this.#toldMs.get(id) ?? Number.NEGATIVE_INFINITY;
    if (Date.now() - lastMs < REPEAT_AFTER_MS) return;
    this.#remember(id);
    try {
      await this.#write(subject, { ...news, message }, `${subject.metadata.name}.${id}`);
    } catch (error) {
      if (isNamespaceEnding(error)) return;
      this.#log.warn({ err: error, reason: news.reason }, "Event could not be written");
    }
  }

  #remember(id: string): void {
    this.#toldMs.delete(id);
    this.#toldMs.set(id, Date.now());
    if (this.#toldMs.size > REMEMBERED_MAX) {
      const [oldest] = this.#toldMs.keys();
      if (oldest !== undefined) this.#toldMs.delete(oldest);
    }
  }

  async #write(subject: EventSubject, news: News, name: string): Promise<void> {
    const { namespace } = subject.metadata;
    try {
      await this.#client.create(KINDS.event, this.#event(subject, news, name));
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      const key = { namespace, name };
      const before = await this.#client.get<EventObject>(KINDS.event, key);
      const count = (before?.count ?? 0) + 1;
      const patch = { count, lastTimestamp: new Date().toISOString() };
      await this.#client.mergePatch(KINDS.event, key, patch);
    }
  }

  #event(subject: EventSubject, news: News, name: string): EventObject {
    const { apiVersion, kind, metadata } = subject;
    const { namespace, uid } = metadata;
    const time = new Date().toISOString();
    return {
      apiVersion: KINDS.event.apiVersion,
      kind: KINDS.event.kind,
      metadata: { name, namespace },
      involvedObject: { apiVersion, kind, name: metadata.name, namespace, uid },
      ...news,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: "chordring-operator" },
      reportingComponent: "chordring.dev/operator",
      reportingInstance: this.#instance,
    };
  }
}
