/** A ring of the original protocol in a scenario: its pictures and what is wrong with them. */
import { checkRing, type Id, type NodeView } from "../../src/chord/index.ts";
import { numberOfId } from "./names.ts";
import { OriginalChord } from "./original-chord.ts";

export class OriginalRing {
  readonly chord: OriginalChord;
  readonly #successors: number;

  constructor(ids: readonly Id[], successors: number) {
    this.chord = new OriginalChord(ids, successors);
    this.#successors = successors;
  }

  /** One line for each member. */
  lines(): string[] {
    const show = (id: Id): string =>
      `n${numberOfId(id)}${this.chord.members.has(id) ? "" : "(dead)"}`;
    return this.#sorted().map(({ id, predecessor, successors }) => {
      const before = predecessor === null ? "none" : show(predecessor);
      const list = successors.map((successor) => show(successor)).join(" ");
      return `${show(id).padEnd(3)} predecessor ${before}, successors ${list}`;
    });
  }

  /** What the original papers claim, and what does not hold of it. R2 is Zave's, not theirs. */
  problems(): string[] {
    const views = this.#sorted().map(
      ({ id, predecessor, successors }): NodeView => ({
        self: { id, name: `n${numberOfId(id)}` },
        predecessor: predecessor === null ? null : { id: predecessor },
        successors: successors.map((successor) => ({ id: successor })),
      }),
    );
    return checkRing(views, this.#successors)
      .filter(({ invariant }) => invariant !== "R2")
      .map(({ invariant, problem }) => `${invariant}, ${problem}`);
  }

  #sorted(): { id: Id; predecessor: Id | null; successors: readonly Id[] }[] {
    return [...this.chord.members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
