/** Real chance behind the Random port; a jitter needs no more than 2^32 values. */
import { randomInt } from "node:crypto";
import type { Random } from "../chord/ports.ts";

const RANGE = 2 ** 32;

export const systemRandom: Random = {
  next: () => randomInt(RANGE) / RANGE,
};
