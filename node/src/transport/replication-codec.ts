/**
 * Batches between nodes: all that goes to one peer in one turn of the event loop, as frames one
 * behind the other.
 *
 *     batch: frame, frame, …
 *     frame: length of the rest u32 | correlation u32 | kind u8 | body
 *
 * The kind of a request says what it asks; an answer has the correlation of its request and one of
 * two kinds, answered or refused. A body that is not as documented spoils its message only; a wrong
 * length spoils the batch, as nobody knows where the next frame begins.
 */
import {
  isReplicationErrorCode,
  ReplicationError,
  type ReplicationErrorCode,
} from "../replication/errors.ts";
import type { Reply, Request, RequestType } from "../replication/messages.ts";
import { formOf, formOfKind } from "./replication-forms.ts";
import { ERROR_TEXT_LENGTH_MAX, refusal } from "./replication-schemas.ts";
import { badMessage, ByteReader, type ByteWriter } from "./wire-bytes.ts";

/** Beside the value: a key, a few remembered writes, or a page of small records. */
const OVERHEAD_BYTES_MAX = 4 * 1024 * 1024;
/**
 * As large as any configuration allows a value to be, whatever this node's does: a value stored
 * under a larger limit must still reach the other replicas.
 */
export const MESSAGE_BYTES_MAX = 64 * 1024 * 1024 + OVERHEAD_BYTES_MAX;
/** A batch is sent when it has so many bytes, or so many frames; one frame may be larger. */
export const BATCH_BYTES = 1024 * 1024;
export const BATCH_FRAMES_MAX = 4_096;

/** Of an answer: the other kinds are those of requests. */
const ANSWERED = 1;
const REFUSED = 2;

const FRAME_HEAD_BYTES = 9;
const FRAME_BYTES_MAX = MESSAGE_BYTES_MAX - BATCH_BYTES;

/** Adds a request to a batch. Throws `bad-message`, and leaves the batch as it was. */
export function writeRequest(writer: ByteWriter, correlation: number, request: Request): void {
  const { kind, request: part } = formOf(request.type);
  writeFrame(writer, { correlation, kind }, () => part.write(writer, request));
}

export function writeReply(
  writer: ByteWriter,
  { correlation, type }: { readonly correlation: number; readonly type: RequestType },
  reply: Reply<RequestType>,
): void {
  const { reply: part } = formOf(type);
  writeFrame(writer, { correlation, kind: ANSWERED }, () => part.write(writer, reply));
}

export function writeError(
  writer: ByteWriter,
  correlation: number,
  { code, message, view, promised, leader }: ReplicationError,
): void {
  const text = JSON.stringify({
    code,
    message: message.slice(0, ERROR_TEXT_LENGTH_MAX),
    ...(view.epoch === 0 ? {} : { view }),
    ...(promised === 0 ? {} : { promised }),
    ...(leader === null ? {} : { leader }),
  });
  const body = Buffer.from(text);
  writeFrame(writer, { correlation, kind: REFUSED }, () => writer.bytes(body));
}

function writeFrame(
  writer: ByteWriter,
  { correlation, kind }: { readonly correlation: number; readonly kind: number },
  writeBody: () => void,
): void {
  const before = writer.size;
  writer.begin();
  try {
    const hole = writer.hole32();
    writer.u32(correlation);
    writer.u8(kind);
    writeBody();
    if (writer.size - before > FRAME_BYTES_MAX) throw badMessage("it is too large");
    writer.fill32(hole);
  } catch (error) {
    writer.rollBack();
    throw asBadMessage(error);
  }
}

/** Goes through a batch, frame by frame. */
export class BatchReader {
  /** Of the present frame. */
  correlation = 0;
  readonly #reader: ByteReader;
  #kind = 0;
  #frames = 0;
  #next = 0;

  constructor(batch: Buffer) {
    this.#reader = new ByteReader(batch);
  }

  /** Bytes of the present frame's body. */
  get bodyBytes(): number {
    return this.#reader.left;
  }

  /** Goes to the next frame; false at the end. Throws `bad-message` where none can begin. */
  next(): boolean {
    const reader = this.#reader;
    reader.widen(this.#next);
    if (reader.left === 0) return false;
    this.#frames += 1;
    if (this.#frames > BATCH_FRAMES_MAX) throw badMessage("a batch has too many frames");
    const length = reader.u32();
    if (length < FRAME_HEAD_BYTES - 4) throw badMessage(`a frame has ${length} bytes`);
    this.#next = reader.narrow(length);
    this.correlation = reader.u32();
    this.#kind = reader.u8();
    return true;
  }

  /** The present frame as a request. Throws `bad-message`. */
  request(): Request {
    try {
      return this.#whole(formOfKind(this.#kind).request.read(this.#reader));
    } catch (error) {
      throw asBadMessage(error);
    }
  }

  /** The present frame as the answer to a request of this type. Throws what it refuses with. */
  reply(type: RequestType): Reply<RequestType> {
    if (this.#kind === REFUSED) throw this.#refusal();
    try {
      if (this.#kind !== ANSWERED) throw badMessage(`${this.#kind} is no kind of answer`);
      return this.#whole(formOf(type).reply.read(this.#reader));
    } catch (error) {
      throw asBadMessage(error);
    }
  }

  #whole<Value>(value: Value): Value {
    this.#reader.end();
    return value;
  }

  #refusal(): ReplicationError {
    try {
      const fields = refusal.parse(JSON.parse(this.#reader.rest().toString()));
      const { view, promised, leader } = fields;
      return new ReplicationError(answeredCode(fields.code), fields.message, {
        ...(view === undefined ? {} : { view }),
        ...(promised === undefined ? {} : { promised }),
        ...(leader === undefined ? {} : { leader }),
      });
    } catch (error) {
      return asBadMessage(error);
    }
  }
}

/**
 * A peer that answers has been reached: if it says otherwise it speaks of another one, and only
 * this side can tell that nothing was sent.
 */
function answeredCode(code: string): ReplicationErrorCode {
  return isReplicationErrorCode(code) && code !== "unreachable" ? code : "internal";
}

/** Whatever a form or the codec of records throws means the same. */
function asBadMessage(error: unknown): ReplicationError {
  if (error instanceof ReplicationError && error.code === "bad-message") return error;
  return badMessage("the message has not the documented form", error);
}
