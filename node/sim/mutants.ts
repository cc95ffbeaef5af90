/**
 * Small breakages of the protocol, each a fault that implementations of Chord really have or could
 * have. The simulator must notice every one: a mutant that survives is a hole in the oracles.
 *
 * A mutant is an edit of one production file, made in memory while the file is loaded. The text it
 * replaces must be there exactly once, so that a mutant cannot outlive the code it breaks.
 */
import type { Mutant } from "./breakage.ts";

/** Edits of files below node/src/chord. */
export const mutants: readonly Mutant[] = [
  {
    name: "rectify-without-ping",
    what: "a predecessor is replaced without being asked whether it lives",
    file: "stabilize.ts",
    from: "const verdict = await pingVerdict(context, old);",
    to: 'const verdict: Verdict = "gone" as Verdict;',
  },
  {
    name: "dead-predecessor-kept",
    what: "a predecessor that is gone is not replaced by a farther one",
    file: "stabilize.ts",
    from: 'if (verdict === "gone") state.setPredecessor(candidate);',
    to: "",
  },
  {
    name: "any-notify-adopted",
    what: "whoever notifies becomes the predecessor, near or far",
    file: "stabilize.ts",
    from: "if (old === null || old.id === candidate.id || between(",
    to: "if (old !== undefined || between(",
  },
  {
    name: "notify-believed-unseen",
    what: "a predecessor is adopted because of its notify alone, which may be late or forged",
    file: "chord.ts",
    from: 'if (known || (await pingVerdict(this.#context, candidate)) !== "live") {',
    to: "if (known) {",
  },
  {
    name: "joiner-takes-one-successor",
    what: "a joiner takes its first successor only, not the list",
    file: "join.ts",
    from: "return successorList(self.id, heard, context.options.successors);",
    to: "return successorList(self.id, heard, 1);",
  },
  {
    name: "join-at-any-place",
    what: "a joiner takes the list of the node where its lookup ended, far before it perhaps",
    file: "join.ts",
    from: "if (nearer === undefined) return before;",
    to: "if (nearer !== before.self) return before;",
  },
  {
    name: "adopted-before-contact",
    what: "the successor's predecessor becomes the successor before it was contacted",
    file: "stabilize.ts",
    from: "const probe = await probeState(context, candidate);\n",
    to:
      "const successors = [successor, ...reply.successors];\n" +
      "state.adoptSuccessor(candidate, { ...reply, successors });\n" +
      "const probe = await probeState(context, candidate);\n",
  },
  {
    name: "reply-while-busy",
    what: "a node shows its pointers in the middle of an operation",
    file: "server.ts",
    from: "if (lock.busy) throw",
    to: "if (lock.busy && false) throw",
  },
  {
    name: "list-never-trimmed",
    what: "the successor list grows beyond r",
    file: "successor-list.ts",
    from: "nodes.length === max || ",
    to: "",
  },
  {
    name: "list-out-of-order",
    what: "a heard list is copied without a look at its order",
    file: "successor-list.ts",
    from: " || !between(last, node.id, self)",
    to: "",
  },
  {
    name: "lists-merged",
    what: "the successor's list is mixed into the old one instead of replacing it",
    file: "ring-state.ts",
    from: "const list = this.#listOf([successor, ...reply.successors]);",
    to:
      "const known = [...this.successors, successor, ...reply.successors];\n" +
      "const heard = [...new Map(known.map((node) => [node.id, node])).values()]\n" +
      "  .filter((node) => node.id !== this.self.id)\n" +
      "  .sort((a, b) => (between(this.self.id, a.id, b.id) ? -1 : 1));\n" +
      "const list = this.#listOf(heard);",
  },
  {
    name: "between-a-a-empty",
    what: "between(a, x, a) is false: the interval from a node to itself is taken for empty",
    file: "id.ts",
    from: "if (a < b) return a < x && x < b;",
    to: "if (a <= b) return a < x && x < b;",
  },
  {
    name: "ownership-open",
    what: "a node does not own the key that equals its identifier",
    file: "id.ts",
    from: "return x === b || a === b || between(a, x, b);",
    to: "return a === b || between(a, x, b);",
  },
  {
    name: "no-second-step",
    what: "stabilize does not ask the node between it and its successor",
    file: "stabilize.ts",
    from: "if (candidate !== null && between(state.self.id, candidate.id, successor.id)) {",
    to: "if (candidate !== null && candidate.name === successor.name) {",
  },
  {
    name: "no-notify",
    what: "stabilize does not end in a notify",
    file: "stabilize.ts",
    from: "if (successor === undefined || sameNode(known, state.self)) return;",
    to: "if (successor !== undefined || known === null) return;",
  },
  {
    name: "one-miss-is-death",
    what: "a neighbour is given up after one unanswered request",
    file: "peers.ts",
    from: 'return this.suspected(node) ? "gone" : "silent";',
    to: 'return "gone";',
  },
  {
    name: "busy-is-death",
    what: "a neighbour that is busy is given up",
    file: "peers.ts",
    from: 'default:\n        return "busy";',
    to: 'default:\n        return "gone";',
  },
  {
    name: "dead-successor-kept",
    what: "a successor that is gone stays in the list",
    file: "ring-state.ts",
    from: "nodes: this.successors.slice(1),",
    to: "nodes: this.successors.slice(0),",
  },
  {
    name: "list-called-complete",
    what: "a joiner takes every list it copies for the whole ring, and closes it",
    file: "join.ts",
    from: "if (heard.length === 0) heard.push(before.self);",
    to: "if (heard.length >= 0) heard.push(before.self);",
  },
  {
    name: "owner-by-fingers",
    what: "a lookup takes the nearest node it knows for the owner, finger or not",
    file: "routing-table.ts",
    from: 'const reach = question.mode === "walk" ? successors.slice(0, 1) : successors;',
    to: 'const reach = question.mode === "walk" ? successors.slice(0, 1) : view.contacts;',
  },
  {
    name: "owner-unseen",
    what: "a lookup names an owner that it did not ask",
    file: "lookup.ts",
    from: "this.#verify = options.verify ?? true;",
    to: "this.#verify = false;",
  },
  {
    name: "hop-backwards",
    what: "a lookup follows candidates that are no nearer to the key",
    file: "lookup.ts",
    from: "!this.#excluded.has(node.name) && (from === null || between(from, node.id, this.#id)),",
    to: "!this.#excluded.has(node.name) && from !== node.id,",
  },
  {
    name: "minority-founds",
    what: "whoever answers is the electorate, so a minority of the last ring starts a new one",
    file: "founding.ts",
    from: "const { names, remembered } = await this.#electorate(answers);",
    to:
      "const there = [state.self, ...answers.map((answer) => answer.self)];\n" +
      "const names = new Set(there.map((node) => node.name));\nconst remembered = false;",
  },
  {
    name: "leaver-awaited",
    what: "the last node of a ring waits as long as the one that left still answers",
    file: "stabilize.ts",
    from: "const silent = context.peers.suspected(predecessor) ? predecessor : null;",
    to: "const silent = predecessor;",
  },
  {
    name: "leaver-has-a-vote",
    what: "those who found a ring again wait for one that left on request",
    file: "founding.ts",
    from: 'if (reply.state === "left") names.delete(self.name);',
    to: "void [reply, self];",
  },
  {
    name: "promise-forgotten",
    what: "a node promises to every founder that asks",
    file: "founding.ts",
    from: "if (other === null || other.to === from.name) return true;",
    to: "if (other !== undefined) return true;",
  },
  {
    name: "rings-never-merge",
    what: "two rings that see each other stay two",
    file: "census.ts",
    from: "if (this.#strikes < strikeCountMax) return null;",
    to: "if (this.#strikes < Number.POSITIVE_INFINITY) return null;",
  },
  {
    name: "loopy-ring-stays",
    what: "a ring that goes round the circle twice is taken for one ring, and stays",
    file: "census.ts",
    from: "return includes(round, state.self) ? null : (round[0] ?? null);",
    to: "return null;",
  },
  {
    name: "old-answers-applied",
    what: "an answer is applied although the node left and joined again meanwhile",
    file: "stabilize.ts",
    from:
      'if (state.generation !== generation) return done("error");\n' +
      '    if (probe.verdict === "live") {\n      const changed',
    to: 'if (probe.verdict === "live") {\n      const changed',
  },
];
