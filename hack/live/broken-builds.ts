/**
 * Node builds that break the promise on purpose, each in a way that a real defect could: the live
 * test must notice every one, or it proves nothing about the true build.
 *
 * A broken build is made of edits to production files while a node loads them (see
 * broken-build-hook.ts). The text that an edit replaces must be there exactly once, so that a
 * broken build cannot outlive the code it breaks: where it does not fit any more, write it anew.
 */
import type { LiveOptions } from "./options.ts";

export interface Edit {
  /** Below node/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface BrokenBuild {
  readonly name: string;
  /** What is wrong with it. */
  readonly what: string;
  readonly edits: readonly Edit[];
  /** The ring and the faults that show it soon. */
  readonly shownBy: Partial<LiveOptions>;
}

export const brokenBuilds: readonly BrokenBuild[] = [
  {
    name: "acknowledged-before-durable",
    what: "a write counts as durable a second before it is on the disk",
    edits: [
      {
        file: "storage/group-commit.ts",
        from: "    if (group === undefined) return nothingToWaitFor;\n",
        to: "    if (group !== null) return nothingToWaitFor;\n",
      },
      {
        file: "storage/group-commit.ts",
        from: "setImmediate(() => {\n        void this.#run().then(resolve);\n      });",
        to: "setTimeout(() => void this.#run().then(resolve), 1_000);",
      },
    ],
    // One disk that loses something is enough where there is no other one.
    shownBy: { nodes: 1, copies: 1, faults: ["kill"], outageMsMax: 500 },
  },
  {
    name: "quorum-of-one",
    what: "a write is acknowledged when the leader alone has it",
    edits: [
      {
        file: "replication/writes.ts",
        from: "this.#needed = Math.floor(this.#members.length / 2) + 1;",
        to: "this.#needed = 1;",
      },
    ],
    shownBy: { faults: ["isolate"] },
  },
  {
    name: "read-unconfirmed",
    what: "a leader answers reads without asking whether it still leads",
    edits: [
      {
        file: "replication/leader.ts",
        from: "if (next === null) return this.#confirmed(outcome, underWay);",
        to: "if (next === null) return Promise.resolve(outcome);",
      },
      {
        file: "replication/leader.ts",
        from: "if (!this.#reachesMajority()) {",
        to: "if (this.needed < 0) {",
      },
    ],
    shownBy: { faults: ["isolate", "pause"] },
  },
  {
    name: "takeover-unsettled",
    what: "a new leader takes what its own copy holds for what a majority holds",
    edits: [
      {
        file: "replication/leader.ts",
        from: 'if (this.#compared === "none") return false;',
        to: 'if (this.#compared === "none") return key !== "";',
      },
    ],
    shownBy: { faults: ["isolate", "pause"] },
  },
  {
    name: "compare-then-set",
    what: "the precondition is checked some time before the write, so that two may win",
    edits: [
      {
        file: "replication/leader.ts",
        from: "    return this.#write(text, next, outcome);\n",
        to:
          "    return new Promise((resolve) => setTimeout(resolve, 3)).then(() =>\n" +
          "      this.#write(text, next, outcome),\n    );\n",
      },
    ],
    shownBy: { faults: [] },
  },
  {
    name: "unknown-called-refused",
    what: "a write whose outcome is unknown is reported as one that certainly did not happen",
    edits: [
      {
        file: "replication/router.ts",
        from: '    "unknown-outcome",\n    "no majority confirmed the write in time',
        to: '    "unavailable",\n    "no majority confirmed the write in time',
      },
    ],
    shownBy: { faults: ["pause"], outageMsMax: 5_000 },
  },
];

/** Throws with all names if there is none of this name. */
export function brokenBuild(name: string): BrokenBuild {
  const found = brokenBuilds.find((build) => build.name === name);
  if (found !== undefined) return found;
  throw new Error(`${name} is none of ${brokenBuilds.map((build) => build.name).join(", ")}`);
}

/** The text of one file of the build; throws if an edit does not fit. */
export function brokenText(build: BrokenBuild, file: string, source: string): string {
  let text = source;
  for (const edit of build.edits) {
    if (edit.file !== file) continue;
    if (text.split(edit.from).length !== 2) {
      throw new Error(`${build.name}: its text is not there exactly once in ${file}`);
    }
    text = text.replace(edit.from, () => edit.to);
  }
  return text;
}
