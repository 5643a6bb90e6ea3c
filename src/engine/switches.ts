/** What watches steps: aids of debugging, and reports. Steps ask here; programs that never turn anything on load none of it. */

import type { Device, Executable } from "../devices/device.ts";
import type { Plan } from "../plan/planner.ts";
import type { LaunchFault } from "../devices/fault.ts";
import type { NanError } from "../support/errors.ts";
import type { Comparisons, calledOutside } from "./comparisons.ts";
import type { Faulted } from "./faults.ts";

/** One run of a plan, for who watches. */
export interface Watched {
  readonly step: Faulted & { readonly caller: string; readonly device: Device };
  readonly plan: Plan;
  readonly executable: Executable;
  /** Milliseconds that each launch took; NaN where the device cannot tell. */
  readonly times: Float64Array;
  /** The node of the step for a node of the plan. */
  readonly nodeOf: (node: number) => number;
  /** How many recorded operations each node of the step stands for, if they have been stacked; 1 where this says nothing. */
  readonly memberCounts: readonly number[];
}

interface Switches {
  /** Stop at the first number that is none. */
  checkNumerics: boolean;
  checkComparisons: boolean;
  /** Run each operation as soon as it is called. */
  eager: boolean;
  /** What finds comparisons that nobody uses, if it is wanted. */
  comparing: { readonly Comparisons: typeof Comparisons; readonly calledOutside: typeof calledOutside } | null;
  /** What tells of a number that is none. */
  explainNan: ((step: Faulted, fault: LaunchFault, name: string, node: number) => NanError) | null;
  /** Who watches plans run, if anyone: plans are made anew then, fused at once, and know all nodes of each launch. */
  watcher: ((watched: Watched) => void) | null;
  /** Whether like operations may become one: before the gradients are recorded, and in plans. */
  plans: { readonly stack: boolean; readonly batch: boolean };
}

const allowed = { stack: true, batch: true };
export const switches: Switches = {
  checkNumerics: false, checkComparisons: false, eager: false, comparing: null, explainNan: null, watcher: null, plans: allowed,
};

/** Calls `watcher` for every plan that runs while `body` does. */
export function watch(watcher: (watched: Watched) => void, body: () => void): void {
  switches.watcher = watcher;
  try {
    body();
  } finally {
    switches.watcher = null;
  }
}

/** What `body` gives where plans are made without stacking or batching: what these do is seen by comparing. */
export function without<T>(what: keyof Switches["plans"], body: () => T): T {
  switches.plans = { ...allowed, [what]: false };
  try {
    return body();
  } finally {
    switches.plans = allowed;
  }
}
