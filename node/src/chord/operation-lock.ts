/**
 * One operation at a time: between asking a peer for its state and applying the answer, a node's
 * own pointers are undefined, so nobody may be told them (Zave 2017, atomicity of steps).
 */
export class OperationLock {
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True while an operation runs or waits to run: state queries are answered `busy`. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Runs the operation after those before it. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    const result = this.#tail.then(operation).finally(() => {
      this.#pending -= 1;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
