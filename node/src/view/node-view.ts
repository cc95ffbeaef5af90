/** What one node shows of itself, to clients, to the operator and to the page: its view. */
import type { Chord, RingView } from "../chord/index.ts";
import type { DataView, Replication } from "../replication/index.ts";

export interface NodeView extends Omit<RingView, "stabilizedMsAgo"> {
  /** The ring's name. */
  readonly ring: string;
  /** Stored on this node, in all its copies. */
  readonly keys: number;
  readonly bytes: number;
  readonly data: DataView;
}

export interface ViewParts {
  readonly ring: string;
  readonly chord: Pick<Chord, "view">;
  readonly replication: Pick<Replication, "view">;
}

export function nodeView({ ring, chord, replication }: ViewParts): NodeView {
  const view = chord.view();
  const data = replication.view();
  const { self, state, epoch, predecessor, successors, fingers, founded, split, detail } = view;
  const place = { ring, self, state, epoch, predecessor, successors, fingers };
  const { keysHeld: keys, bytesHeld: bytes } = data;
  return { ...place, keys, bytes, founded, split, detail, data };
}
