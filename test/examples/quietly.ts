import { vi } from "vitest";

/** Runs the `main` of an example without its printing. */
export async function quietly<R>(run: () => R | Promise<R>): Promise<R> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    return await run();
  } finally {
    log.mockRestore();
  }
}
