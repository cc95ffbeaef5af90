/** What an experiment is to the program that runs it, and what it leaves for the document. */

/** A statement about the figures that must hold; a failed one fails the run. */
export interface Gate {
  readonly text: string;
  readonly met: boolean;
}

export interface Chart {
  /** Name of the file, without folder and ending. */
  readonly name: string;
  readonly alt: string;
  readonly svg: string;
}

export interface Section {
  readonly heading: string;
  /** Markdown: paragraphs and tables. A line `![name]` stands for the chart of that name. */
  readonly lines: readonly string[];
  readonly charts: readonly Chart[];
  readonly gates: readonly Gate[];
  /** What it cost on the machine of the run: kept apart, since it differs from run to run. */
  readonly costs?: readonly string[];
}

export interface Scale {
  /** Small sizes that show that everything works, not the figures of the document. */
  readonly quick: boolean;
  /** Says how far the experiment is, for the person who waits. */
  readonly progress: (detail: string) => void;
  /** Processor time that this process has used, for the few figures that are about speed. */
  readonly cpuSeconds: () => number;
}

export interface Experiment {
  /** Rows of the papers' evaluation that it reproduces; names for what goes beyond. */
  readonly rows: readonly string[];
  readonly title: string;
  run(scale: Scale): Promise<readonly Section[]>;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line), ""];
}
