/**
 * A lean axios adapter over undici: axios's own costs more than twice the CPU per request.
 *
 * An adapter must do by itself what axios leaves to it: timeout, AbortSignal, the limit on the
 * response's size, `validateStatus`, and errors as `AxiosError`. Only what this program uses is
 * supported: absolute URLs, bodies of bytes or text, responses as a Buffer, no redirects.
 */
import {
  type AxiosAdapter,
  AxiosError,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from "axios";
import type { Dispatcher } from "undici";

/** On an error's `request`: whether any of the request may have reached the peer. */
export interface Sent {
  sent: boolean;
}

export function undiciAdapter(dispatcher: Dispatcher): AxiosAdapter {
  return (config) =>
    new Promise((resolve, reject) => {
      const exchange = new Exchange(config, resolve, reject);
      try {
        exchange.start(dispatcher);
      } catch (error) {
        exchange.onResponseError(null, error as Error);
      }
    });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #config: InternalAxiosRequestConfig;
  readonly #resolve: (response: AxiosResponse) => void;
  readonly #reject: (error: AxiosError) => void;
  readonly #request: Sent = { sent: false };
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #status = 0;
  #statusText = "";
  #headers: Record<string, string | string[] | undefined> = {};
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settled = false;

  constructor(
    config: InternalAxiosRequestConfig,
    resolve: (response: AxiosResponse) => void,
    reject: (error: AxiosError) => void,
  ) {
    this.#config = config;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(dispatcher: Dispatcher): void {
    const { url = "", method = "get", headers, timeout, signal } = this.#config;
    if (signal?.aborted === true) {
      this.#onAbort();
      return;
    }
    signal?.addEventListener?.("abort", this.#onAbort);
    if (timeout !== undefined && timeout > 0) {
      this.#timer = setTimeout(() => {
        this.#fail(`timeout of ${timeout} ms exceeded`, AxiosError.ETIMEDOUT);
      }, timeout);
    }
    const pathStart = url.indexOf("/", url.indexOf("://") + 3);
    dispatcher.dispatch(
      {
        origin: url.slice(0, pathStart),
        path: url.slice(pathStart),
        method: method.toUpperCase(),
        headers,
        body: this.#config.data as string | Buffer | null,
        // The timer above covers the whole exchange.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error("settled before it was sent"));
    else this.#request.sent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    this.#controller = controller;
    this.#status = status;
    this.#headers = headers;
    this.#statusText = statusText ?? "";
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length;
    const { maxContentLength = -1 } = this.#config;
    if (maxContentLength >= 0 && this.#length > maxContentLength) {
      this.#fail(
        `maxContentLength of ${maxContentLength} bytes exceeded`,
        AxiosError.ERR_BAD_RESPONSE,
      );
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    const [first] = this.#chunks;
    const response: AxiosResponse = {
      data:
        this.#chunks.length === 1 && first !== undefined
          ? first
          : Buffer.concat(this.#chunks, this.#length),
      status: this.#status,
      statusText: this.#statusText,
      headers: this.#headers,
      config: this.#config,
      request: this.#request,
    };
    const { validateStatus } = this.#config;
    if (validateStatus == null || validateStatus(this.#status)) {
      this.#settle();
      this.#resolve(response);
      return;
    }
    const code = this.#status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
    this.#fail(`request failed with status ${this.#status}`, code, { response });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error.message, AxiosError.ERR_NETWORK, { cause: error });
  }

  readonly #onAbort = (): void => {
    this.#fail("canceled", AxiosError.ERR_CANCELED);
  };

  #fail(
    message: string,
    code: string,
    details: { readonly response?: AxiosResponse; readonly cause?: Error } = {},
  ): void {
    if (this.#settled) return;
    this.#settle();
    const { response, cause } = details;
    const error = new AxiosError(message, code, this.#config, this.#request, response);
    if (cause !== undefined) error.cause = cause;
    this.#reject(error);
    if (response === undefined && cause === undefined) this.#controller?.abort(error);
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#config.signal?.removeEventListener?.("abort", this.#onAbort);
  }
}
