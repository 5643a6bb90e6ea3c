import { zeros } from "../src/index.ts";

/** Runs `f`, and reads something: a device that answers later tells of what has gone wrong only then. */
export function settled<T>(f: () => T): T {
  const result = f();
  zeros([1]).add(0).item();
  return result;
}
