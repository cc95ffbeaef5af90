/**
 * As much of HTTP/1.1 as a load generator needs: one answer at a time on a connection, small, with
 * a length or in chunks. A full client would cost more CPU than some of the servers it measures.
 */
const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "\r\n0\r\n\r\n";

export class ResponseParser {
  #received = "";
  /** How long the answer is; -1 while unknown, infinite when its last chunk tells. */
  #length = -1;
  #status = 0;

  /** Of the answer that is or was received last. */
  get status(): number {
    return this.#status;
  }

  /** What has been received of it: head and body. */
  get text(): string {
    return this.#received;
  }

  /** Takes what was received; true when the answer is whole, which then stays until `clear`. */
  feed(text: string): boolean {
    this.#received += text;
    if (this.#length === -1) this.#readHead();
    if (this.#length === Number.POSITIVE_INFINITY) {
      return this.#received.endsWith(LAST_CHUNK);
    }
    return this.#length !== -1 && this.#received.length >= this.#length;
  }

  clear(): void {
    this.#received = "";
    this.#length = -1;
  }

  #readHead(): void {
    const end = this.#received.indexOf(HEAD_END);
    if (end === -1) return;
    this.#status = Number(this.#received.slice(9, 12));
    this.#length = end + HEAD_END.length + this.#bodyLength(this.#received.slice(0, end));
  }

  #bodyLength(head: string): number {
    if (this.#status === 204) return 0;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) return Number(length);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) return Number.POSITIVE_INFINITY;
    return 0;
  }
}
