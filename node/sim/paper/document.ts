/** docs/paper.md as text: what is compared, the gates, a section for each row, and the cost. */
import { type Section, table } from "./experiment.ts";

const introduction = `# The papers' evaluation, on this code

What the Chord papers measured, measured again on the code of this repository. \`make paper\` writes
this page and its plots from fixed seeds: the same code gives the same figures on every machine.

- **Published** values are those of the SIGCOMM 2001 paper and of its journal version, ToN 2003.
  Cells marked “ToN, from memory” were not read again for this page.
- **Noted** values are from a small ideal-ring simulation made before this code, and from the
  simulator of another project (“rings”).
- The **independent model** (\`node/sim/paper/independent-model.ts\`) routes and places on plain
  numbers and shares no code with the node. It is what the gates compare with; the published tables
  are measurements to look at, and nothing is tuned to them.
- **Ours** is the production code of \`node/src/chord\`. On *ideal rings* the lookup, the next step,
  the ownership test and the node's state are production's, and the network is left out. On *live
  rings* whole nodes run in virtual time on a virtual network, with their timers, timeouts,
  stabilization and suspicion.

A hop (forward) is a routing request that another node answered; the asking node's own step is
none. The papers count nodes on the path, which is one more. p1 and p99 are percentiles; ± is half
of a 95 % interval.
`;

export function document(sections: readonly Section[], costs: readonly string[]): string {
  const lines = [introduction, ...gateLines(sections)];
  for (const section of sections) lines.push(`## ${section.heading}`, "", ...body(section), "");
  lines.push(...costLines(sections, costs));
  return `${lines
    .flatMap((text) => text.split("\n"))
    .flatMap(wrapped)
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}

const columnsMax = 100;

/** Prose in lines of at most 100 columns; tables and pictures as they are. */
function wrapped(line: string): string[] {
  if (line.length <= columnsMax || /^(\||!\[|#)/.test(line)) return [line];
  const indent = line.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (longer.length > columnsMax && current !== "") {
      lines.push(current);
      current = `${indent}${word}`;
    } else {
      current = longer;
    }
  }
  return [...lines, current];
}

function gateLines(sections: readonly Section[]): string[] {
  const gates = sections.flatMap((section) => section.gates);
  const met = gates.filter((gate) => gate.met).length;
  return [
    "## Gates",
    "",
    `${met} of ${gates.length} met. A gate that is not met fails \`make paper\`.`,
    "",
    ...table(
      ["gate", "met"],
      gates.map((gate) => [gate.text, gate.met ? "yes" : "**no**"]),
    ),
  ];
}

/** The lines of a section, with its charts where they stand. */
function body(section: Section): string[] {
  return section.lines.map((line) => {
    const name = /^!\[([\w-]+)\]$/.exec(line)?.[1];
    const chart = section.charts.find((one) => one.name === name);
    return chart === undefined ? line : `![${chart.alt}](images/${chart.name}.svg)`;
  });
}

function costLines(sections: readonly Section[], costs: readonly string[]): string[] {
  return [
    "## What the run cost",
    "",
    "Processor time on the machine that wrote this page. These are the only figures here that" +
      " differ from run to run.",
    "",
    ...[...sections.flatMap((section) => section.costs ?? []), ...costs].map((line) => `- ${line}`),
  ];
}
