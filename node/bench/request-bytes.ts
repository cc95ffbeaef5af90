/** The requests of a load, written once, so that sending one costs no more than its bytes. */
import { SeededRandom } from "../../hack/lib/seeded-random.ts";
import type { Operation, RequestForm } from "./load-job.ts";

const VALUE_BYTES = 256;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".split("");

export function keyName(key: number): string {
  return `key-${key}`;
}

/** The same value for the same key, different ones for different keys, of letters. */
export function valueOf(key: number): string {
  const random = new SeededRandom(key);
  return Array.from({ length: VALUE_BYTES }, () => random.pick(LETTERS)).join("");
}

/** Method, path and body of an operation, before it is written as bytes. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export function plainRequest(form: RequestForm, operation: Operation, key: number): PlainRequest {
  const name = keyName(key);
  if (form === "lookup") return { method: "GET", path: `/v1/lookup/${name}`, body: "" };
  if (form === "etcd") return etcdRequest(operation, key);
  const path = `/v1/kv/${name}`;
  return operation === "get"
    ? { method: "GET", path, body: "" }
    : { method: "PUT", path, body: valueOf(key) };
}

function etcdRequest(operation: Operation, key: number): PlainRequest {
  const name = base64(keyName(key));
  // A range of one key is linearizable unless it asks not to be.
  return operation === "get"
    ? { method: "POST", path: "/v3/kv/range", body: JSON.stringify({ key: name }) }
    : {
        method: "POST",
        path: "/v3/kv/put",
        body: JSON.stringify({ key: name, value: base64(valueOf(key)) }),
      };
}

export function requestBytes({ method, path, body }: PlainRequest, port: number): Buffer {
  const type = body === "" ? "" : "Content-Type: application/octet-stream\r\n";
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${type}${length}\r\n`;
  return Buffer.from(head + body, "latin1");
}

function base64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}
