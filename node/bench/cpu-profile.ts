/** Sums over a CPU profile: which functions and files the time of a process went to. */

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of nodes, one for each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** A name and its share of the time in which the process was not idle. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** Share of all time in which the process did something. */
  readonly busyShare: number;
  readonly functions: readonly Share[];
  readonly files: readonly Share[];
  /** The project's own functions with all that they call. */
  readonly inclusive: readonly Share[];
}

const IDLE = "(idle)";
const FUNCTIONS_SHOWN = 40;
const FILES_SHOWN = 25;

export function summarize(profile: CpuProfile): ProfileSummary {
  const self = selfTimes(profile);
  let allMicroseconds = 0;
  let busyMicroseconds = 0;
  for (const { id, callFrame } of profile.nodes) {
    const microseconds = self.get(id) ?? 0;
    allMicroseconds += microseconds;
    if (callFrame.functionName !== IDLE) busyMicroseconds += microseconds;
  }
  const top = (times: ReadonlyMap<string, number>, count: number): Share[] =>
    [...times]
      .map(([name, microseconds]) => ({ name, share: microseconds / busyMicroseconds }))
      .toSorted((one, other) => other.share - one.share)
      .slice(0, count);
  return {
    busyShare: busyMicroseconds / allMicroseconds,
    functions: top(sumBy(profile, self, functionOrCaller(profile)), FUNCTIONS_SHOWN),
    files: top(
      sumBy(profile, self, ({ callFrame }) => fileOf(callFrame)),
      FILES_SHOWN,
    ),
    inclusive: top(inclusiveTimes(profile, self), FUNCTIONS_SHOWN),
  };
}

function selfTimes({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    times.set(id, (times.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

function sumBy(
  { nodes }: CpuProfile,
  self: ReadonlyMap<number, number>,
  nameOf: (node: ProfileNode) => string,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const node of nodes) {
    if (node.callFrame.functionName === IDLE) continue;
    const name = nameOf(node);
    sums.set(name, (sums.get(name) ?? 0) + (self.get(node.id) ?? 0));
  }
  return sums;
}

/** Time of a function and all below it, once for each stack, however often it calls itself. */
function inclusiveTimes(
  { nodes }: CpuProfile,
  self: ReadonlyMap<number, number>,
): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sums = new Map<string, number>();
  const visit = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const name = functionOf(node.callFrame);
    const counts = node.callFrame.url.includes("/node/src/") && !above.has(name);
    const names = counts ? new Set([...above, name]) : above;
    let microseconds = self.get(node.id) ?? 0;
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) microseconds += visit(child, names);
    }
    if (counts) sums.set(name, (sums.get(name) ?? 0) + microseconds);
    return microseconds;
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, new Set());
  return sums;
}

/** A function's name; with its caller's when it is the engine's own and says little by itself. */
function functionOrCaller({ nodes }: CpuProfile): (node: ProfileNode) => string {
  const parents = new Map(
    nodes.flatMap((parent) => (parent.children ?? []).map((id) => [id, parent] as const)),
  );
  return ({ id, callFrame }) => {
    const name = functionOf(callFrame);
    const caller = parents.get(id);
    const alone = callFrame.url !== "" || caller === undefined || isState(callFrame);
    return alone ? name : `${name} in ${functionOf(caller.callFrame)}`;
  };
}

/** What is no function: (idle), (program), (garbage collector). */
function isState({ functionName }: CallFrame): boolean {
  return functionName.startsWith("(");
}

function functionOf(frame: CallFrame): string {
  const name = frame.functionName || "(anonymous)";
  return frame.url === "" ? name : `${name} ${fileOf(frame)}:${frame.lineNumber + 1}`;
}

/** A path from the packages or the project's sources on; the engine's own parts by their names. */
function fileOf(frame: CallFrame): string {
  const { url } = frame;
  if (url === "") return isState(frame) ? frame.functionName : "(built in)";
  return url.replace(/^.*\/node_modules\//, "").replace(/^.*\/node\/src\//, "src/");
}
