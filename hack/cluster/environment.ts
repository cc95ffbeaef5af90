/**
 * The shell lines that `eval "$(make -s env)"` runs.
 *
 * The cluster's kubectl and helm and the repository's Node 24 go in front of the PATH, because a
 * machine's own versions of them are often too old for this cluster.
 */

export interface EnvironmentParts {
  readonly commandDirectory: string;
  readonly nodeDirectory: string;
  readonly searchPath: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
}

/** Quotes for a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The export lines; running them twice changes nothing more. */
export function environmentLines(parts: EnvironmentParts): string[] {
  const ours = [parts.commandDirectory, parts.nodeDirectory];
  const others = parts.searchPath.split(":").filter((path) => path !== "" && !ours.includes(path));
  return [
    `export PATH=${shellQuote([...ours, ...others].join(":"))}`,
    `export KUBECONFIG=${shellQuote(parts.kubeconfig)}`,
    `export CHORDRING_AUDIT_LOG=${shellQuote(parts.auditLog)}`,
  ];
}
