/** Which pods shall hold the data and in how many copies: what is wanted, never what is. */
import type { Pod } from "./placement.ts";

export interface Roster {
  /** Grows with each change of what is wanted: the higher one counts. */
  readonly generation: number;
  readonly copies: number;
  readonly pods: readonly Pod[];
}
