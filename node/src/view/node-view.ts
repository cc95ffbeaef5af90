/** What one node shows of itself, to clients, to the operator and to the page: its view. */
import type { Chord, RingView } from "../chord/index.ts";
import type { Store } from "../storage/store.ts";

export interface NodeView extends Omit<RingView, "stabilizedMsAgo"> {
  /** The ring's name. */
  readonly ring: string;
  /** Stored on this node. */
  readonly keys: number;
  readonly bytes: number;
}

export interface ViewParts {
  readonly ring: string;
  readonly chord: Pick<Chord, "view">;
  readonly store: Pick<Store, "counts">;
}

export function nodeView({ ring, chord, store }: ViewParts): NodeView {
  const view = chord.view();
  const { keys, bytes } = store.counts();
  const { self, state, epoch, predecessor, successors, fingers, founded, split, detail } = view;
  const place = { ring, self, state, epoch, predecessor, successors, fingers };
  return { ...place, keys, bytes, founded, split, detail };
}
