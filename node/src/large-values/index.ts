/**
 * Values that are too large for one key. Their bytes are stored first, as chunks under reserved
 * keys, which lie all over the ring like any others; then their key takes a manifest that names
 * them, in one write on the client's conditions. Until then nobody sees anything of the value, and
 * afterwards everybody sees all of it.
 *
 *   chunk-key.ts   the key of a chunk names its upload and the key that it is for
 *   upload.ts      stores the chunks and commits        download.ts    reads them in order
 *   collector.ts   removes chunks that no manifest names and none ever will
 *   patience.ts    asks again while there is no majority
 *
 * Invariant: a key that holds a manifest has all chunks that it names. An upload stores all before
 * it commits, and the collector removes none before the key's fence is past the upload: raising it
 * and finding the upload unused is one step of the key (key-operation.ts in replication), so that
 * of a commit and a collector whoever is later finds out, however late it is. No clock takes part.
 */
export { Collector, type CollectorOptions, type CollectorRing } from "./collector.ts";
export { type Download, Downloads, MissingChunk, type Span } from "./download.ts";
export { CHUNKS_UNDER_WAY, type LargePut, type LargeValueParts, Uploads } from "./upload.ts";

/** The most that one key holds; what is larger goes into chunks of this size. */
export const REGISTER_BYTES_MAX: number = 1024 * 1024;
