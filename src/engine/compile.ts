/** From what a step has recorded to a plan that is ready to run; structures that have been seen before have theirs already. */

import type { Device, Executable } from "../devices/device.ts";
import { limitKernels } from "../kernels/kernel.ts";
import { bufferKey } from "../plan/buffer-key.ts";
import { PlanCache } from "../plan/cache.ts";
import { extract } from "../plan/extract.ts";
import { makePlan, type Plan, type PlanOptions, type Root } from "../plan/planner.ts";
import { stack } from "../plan/stacking/stack.ts";
import type { Trace } from "../plan/trace.ts";
import { switches } from "./switches.ts";
import type { Variable } from "./variable.ts";

/** An array (by ordinal) whose gradient a plan writes: of so many rows, or with −1 all of it. */
export interface Reached {
  readonly array: number;
  readonly rows: number;
}

/** A plan that is ready to run. */
export interface Compiled {
  readonly plan: Plan;
  readonly executable: Executable;
  readonly fused: boolean;
  runs: number;
  /** The fused one that takes its place, when the device is ready for that. */
  next?: Compiled;
  /** The operations of the launches, where they may be asked for when the step has ended. */
  names?: readonly string[];
  readonly reached: readonly Reached[];
  /** The numbers and arrays that the gradients brought in: part of the structure, so bound again at each run. */
  readonly constants: { readonly scalars: Float64Array; readonly arrays: readonly Variable[] };
}

const none = { scalars: new Float64Array(0), arrays: [] } as const;

/** What a program must produce, and where the program's outside arrays are. */
export interface Goal {
  readonly roots: Root[];
  readonly arrayKey?: (ordinal: number) => number;
  readonly reached?: readonly Reached[];
}

/** A step, as far as compiling looks at it and changes it. */
export interface Compilable {
  /** What is recorded into: the stacked trace while the gradients of a stacked structure are. */
  trace: Trace;
  readonly device: Device;
  /** Everything before this node has run, at a look. */
  readonly ran: number;
  /** Do rules of the user's own take part? */
  readonly ownRules: boolean;
  readonly callers: readonly unknown[] | null;
  readonly arrays: readonly Variable[];
  memberCounts: readonly number[];
}

const caches = new WeakMap<Device, PlanCache<Compiled>>();

function cacheOf(device: Device): PlanCache<Compiled> {
  let cache = caches.get(device);
  if (cache === undefined) {
    cache = new PlanCache();
    caches.set(device, cache);
  }
  return cache;
}

/** The plan for a trace; `nodes` is null for one that keeps every value. */
export function compile(
  step: Compilable, trace: Trace, nodes: readonly number[] | null, goal: (nodes: readonly number[]) => Goal, fuseAtOnce = false,
): Compiled {
  const checks = step.callers !== null;
  const { watcher, plans } = switches;
  const watched = watcher !== null;
  const isOwn = checks || watched; // not for the cache
  const { device, device: { policy } } = step;
  const cache = cacheOf(device);
  const { count, length, words } = trace;
  const found = isOwn ? null : cache.find(words, length);
  const often = watched || (found !== null && !found.fused && found.runs >= policy.fuseAfter);
  const fuse = nodes !== null && !checks && (fuseAtOnce || often) && count < policy.maxFusedNodes;
  if (found?.next?.executable.isReady?.()) {
    cache.put(words, length, found.next);
    return found.next;
  }
  if (found !== null && (found.fused || found.next || !fuse)) return found;
  limitKernels();

  const mayStack = nodes !== null && plans.stack && !checks && !fuseAtOnce && !step.ownRules && trace.regions.length === 0 && step.ran === 0;
  const stacked = mayStack ? stack(trace, nodes) : null;
  const planned = stacked?.trace ?? trace;
  const { scalarCount, arrayCount } = planned;
  if (nodes !== null) step.trace = planned;
  step.memberCounts = stacked?.memberCounts ?? [];
  const { roots, arrayKey = bufferKey.value, reached = [] } = goal(stacked?.nodes ?? nodes ?? []);
  const options = { policy, fuse, batch: plans.batch, keepAll: nodes === null, checks, listMembers: watched, arrayKey };
  const plan = step.ran > 0 && nodes !== null ? planRest(step, roots, arrayKey, options) : makePlan(planned, roots, options);
  const constants = nodes === null ? none : { scalars: planned.scalars.slice(scalarCount, planned.scalarCount), arrays: step.arrays.slice(arrayCount) };
  const compiled: Compiled = { plan, executable: device.prepare(plan.program), fused: fuse, runs: 0, reached, constants };
  if (isOwn) return compiled;
  if (stacked === null) {
    trace.truncate(count, length);
    trace.scalarCount = scalarCount;
    trace.arrayCount = arrayCount;
  } else {
    step.trace = trace;
    // What faults tell of is an operation that was recorded, or one of the backward pass.
    plan.launchNodes.forEach((node, launch) => { plan.launchNodes[launch] = stacked.origins[node] ?? count; });
  }
  // Where the ids of kernels have just been forgotten, so has the plan before.
  if (found !== null && compiled.executable.isReady?.() === false && cache.find(trace.words, length) === found) {
    found.next = compiled;
    return found;
  }
  cache.put(trace.words, length, compiled);
  return compiled;
}

/** After looks: plans what has not run yet, with the pinned values as leaves. */
function planRest(step: Compilable, roots: readonly Root[], keyOf: (ordinal: number) => number, options: PlanOptions): Plan {
  const rest = extract(step.trace, step.ran);
  const position = new Map(rest.nodes.map((node, i) => [node, i]));
  const plan = makePlan(
    rest.trace,
    roots.map((root) => ({ node: position.get(root.node) ?? rest.enter(root.node), target: root.target })),
    { ...options, arrayKey: (ordinal) => (rest.keys[ordinal] < 0 ? rest.keys[ordinal] : keyOf(rest.keys[ordinal] >> 1)) },
  );
  for (let i = 0; i < plan.program.scalars.length; i++) plan.program.scalars[i] = rest.scalars[plan.program.scalars[i]];
  for (let i = 0; i < plan.launchNodes.length; i++) plan.launchNodes[i] = rest.nodes[plan.launchNodes[i]];
  return { ...plan, launchMembers: plan.launchMembers?.map((nodes) => nodes.map((node) => rest.nodes[node])) ?? null };
}
