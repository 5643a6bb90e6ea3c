/** Warnings: of what is no error, and yet seldom meant. */

const said = new Set<string>();

/** Writes a warning to the console, once for each kind in a program. */
export function warnOnce(kind: string, message: string): void {
  if (said.has(kind)) return;
  said.add(kind);
  // biome-ignore lint/suspicious/noConsole: this is the one place that warns
  console.warn(`${message} (This is said once.)`);
}
