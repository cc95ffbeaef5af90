/**
 * The frame of every script in hack/: run it, and turn a failure into one readable message.
 */

/** Runs a script's main function; an error becomes its message on stderr and exit code 1. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: ${message}\n`);
    process.exitCode = 1;
  }
}
