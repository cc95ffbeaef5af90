/** What a node shows of its data before there is any. */
import type { DataView } from "../../src/replication/index.ts";

export const noData: DataView = {
  incarnation: "0123456789abcdef",
  chartered: false,
  roster: null,
  held: 0,
  catchingUp: 0,
  led: 0,
  degraded: 0,
  misplaced: 0,
  unled: 0,
  keysHeld: 0,
  bytesHeld: 0,
  keysLed: 0,
  bytesLed: 0,
  keysLeft: 0,
  bytesLeft: 0,
};
