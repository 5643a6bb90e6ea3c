/** Tells a test what a program gives, from a window or a worker. */
export function told(program: () => Promise<object>): void {
  program().catch((error: Error) => ({ error: error.stack ?? String(error) })).then((report) => {
    if ("document" in globalThis) Object.assign(globalThis, { report });
    else postMessage(report);
  });
}
