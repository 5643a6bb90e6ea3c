/** What a component is made of: its parts with the shapes of their outputs, their parameters and their work. */

import { openStep, withStep } from "../engine/recording.ts";
import { nothing } from "../engine/step.ts";
import { switches, watch } from "../engine/switches.ts";
import { Variable } from "../engine/variable.ts";
import { kernelById } from "../kernels/kernel.ts";
import { Component } from "../model/component.ts";
import { defaultRandom } from "../random/random.ts";
import { isPlainObject } from "../support/arrays.ts";
import { describe, listed } from "../support/describe.ts";
import { UsageError, ValueError } from "../support/errors.ts";
import { formatShape, type Shape } from "../support/shape.ts";
import { megaflops, table } from "./table.ts";
import { workOf } from "./work.ts";

/** A component within another one. */
export interface PartSummary {
  /** Where it is, as `layers.0`; "" for the component itself. */
  readonly path: string;
  /** The name of its class. */
  readonly kind: string;
  /** The path under which it was listed before, if it is shared; else null. */
  readonly sharedWith: string | null;
  /** How often the example has called it, by the method that has done most of the work; 0 without an example. */
  readonly calls: number;
  /** The shapes of what the last of these calls gave. */
  readonly outputs: readonly Shape[];
  /** Numbers in its parameters, those of its own parts among them, and how many of them are frozen. */
  readonly parameters: number;
  readonly frozen: number;
  /** Floating-point operations of all its calls, those of its own parts among them; a product and a sum are two. */
  readonly flops: number;
}

export interface Summary {
  /** The component itself first, then its parts, in the order of the fields. */
  readonly parts: readonly PartSummary[];
  /** Numbers in all parameters that are trained, in those that are frozen, and in states. */
  readonly trained: number;
  readonly frozen: number;
  readonly state: number;
  /** Floating-point operations of the example. */
  readonly flops: number;
  toString(): string;
}

/** What has been seen of a part. */
interface Seen {
  /** How many of its methods are running. */
  depth: number;
  flops: number;
  readonly methods: Map<string, { calls: number; flops: number; outputs: readonly Shape[] }>;
}

/** How a component is called that is given an example, if it has such a method. */
const entrances = ["forward", "unfold", "score", "predict"];

/**
 * A component's parts with the shapes of what they give, how many parameters they have, and the work of a forward pass, as a table to be printed.
 * The example is computed as by `evaluate`; states and generators are as before afterwards.
 *
 * @param example what its method `forward` takes (else `unfold`, `score` or `predict`, the first that it has), or a function that calls it in any way.
 *   Without one there are no shapes and no work.
 * @throws UsageError inside a step, and for a component that has no such method
 * @example
 * class Digits extends Component {
 *   readonly conv = new Conv2d({ inputs: 1, outputs: 4, size: 3 });
 *   readonly classifier = new SoftmaxRegression({ inputs: 4, outputs: 10 });
 *   score(x: Variable) { return this.classifier.score(relu(this.conv.forward(x)).mean([-1, -2])); }
 * }
 * const found = summary(new Digits(), randn([8, 1, 10, 10]));
 * found.parts.map(({ path, outputs: [shape] }) => [path, shape]); // [["", [8, 10]], ["conv", [8, 4, 8, 8]], ["classifier", [8, 10]]]
 * found.trained; // 90
 * console.log(String(found));
 */
export function summary(component: Component, ...example: unknown[]): Summary {
  if (!(component instanceof Component)) throw new ValueError(`summary takes a Component and what it is called with, but got ${describe(component)}.`);
  if (openStep() !== null) throw new UsageError("summary was called inside a step. Call it outside.");
  const listing = component.components();
  const seen = new Map<Component, Seen>();
  for (const part of listing.values()) seen.set(part, { depth: 0, flops: 0, methods: new Map() });
  const flops = example.length === 0 ? 0 : observed(seen, () => call(component, example));
  const paths = new Map<Component, string>();
  const parts = [...listing].map(([path, part]): PartSummary => {
    const sharedWith = paths.get(part) ?? null;
    if (sharedWith === null) paths.set(part, path);
    const { flops, methods } = seen.get(part) as Seen;
    const main = [...methods.values()].reduce((most, each) => (each.flops >= most.flops ? each : most), { calls: 0, flops: 0, outputs: [] });
    const frozen = sizeOf(part.parameters().filter(({ isFrozen }) => isFrozen));
    return { path, kind: part.constructor.name, sharedWith, calls: main.calls, outputs: main.outputs, parameters: part.parameterCount, frozen, flops };
  });
  const [{ parameters, frozen }] = parts;
  const state = sizeOf([...new Set(component.namedState().values())]);
  const found: Summary = { parts, trained: parameters - frozen, frozen, state, flops, toString: () => format(found, example.length > 0) };
  return found;
}

const sizeOf = (arrays: readonly Variable[]): number => arrays.reduce((total, { size }) => total + size, 0);

function call(component: Component, [first, ...rest]: readonly unknown[]): unknown {
  if (typeof first === "function") return first(...rest);
  const methods = component as unknown as Readonly<Record<string, unknown>>;
  const name = entrances.find((each) => typeof methods[each] === "function");
  if (name !== undefined) return (methods[name] as (...args: unknown[]) => unknown)(first, ...rest);
  throw new UsageError(`summary cannot tell how to call ${component.constructor.name}, which has no method ${listed(entrances)}. ` +
    "Give it a function: summary(model, () => model.encode(x)).");
}

/**
 * Runs `f` and sees what the methods of parts give, and what work is done while they run: each operation runs as soon as it is called.
 * @returns the work of all
 */
function observed(parts: ReadonlyMap<Component, Seen>, f: () => unknown): number {
  let flops = 0;
  const { eager } = switches;
  const random = defaultRandom();
  const { state } = random;
  const restore: (() => void)[] = [];
  try {
    for (const [part, seen] of parts) restore.push(...watchMethods(part, seen, () => flops));
    switches.eager = true;
    watch(({ plan: { program: { words } } }) => {
      for (let at = 0; at < words.length; at += words[at + 1]) flops += workOf(kernelById(words[at]), words, at).flops;
    }, () => {
      withStep("summary", "values", (step) => {
        f();
        step.assigned = nothing;
      });
    });
  } finally {
    switches.eager = eager;
    random.state = state;
    for (const each of restore) each();
  }
  return flops;
}

/** Puts something before each method of a part, for this object alone. Returns how to take it away. */
function watchMethods(part: Component, seen: Seen, flopsSoFar: () => number): (() => void)[] {
  const names = new Set<string>();
  for (let at = Object.getPrototypeOf(part) as object; at !== Component.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (typeof value === "function") names.add(name);
  }
  names.delete("constructor");
  const own = part as unknown as Record<string, (...args: unknown[]) => unknown>;
  return [...names].filter((name) => Object.isExtensible(part) && !Object.hasOwn(part, name)).map((name) => {
    const method = own[name];
    const watched = function (this: unknown, ...args: unknown[]): unknown {
      const before = flopsSoFar();
      seen.depth++;
      try {
        const result = method.apply(this, args);
        if (seen.depth === 1) note(seen, name, flopsSoFar() - before, result);
        return result;
      } finally {
        seen.depth--;
      }
    };
    Object.defineProperty(part, name, { value: watched, configurable: true, writable: true });
    return () => { delete own[name]; };
  });
}

function note(seen: Seen, name: string, flops: number, result: unknown): void {
  const before = seen.methods.get(name);
  seen.flops += flops;
  seen.methods.set(name, { calls: (before?.calls ?? 0) + 1, flops: (before?.flops ?? 0) + flops, outputs: shapesIn(result) });
}

function shapesIn(value: unknown): Shape[] {
  if (value instanceof Variable) return [value.shape];
  return Array.isArray(value) || isPlainObject(value) ? Object.values(value).flatMap(shapesIn) : [];
}

const grouped = (n: number): string => n.toLocaleString("en-US");

/** Shapes, those in a row that are the same as one. */
function shapesText(outputs: readonly Shape[]): string {
  const runs: { text: string; times: number }[] = [];
  for (const text of outputs.map(formatShape)) {
    const last = runs.at(-1);
    if (last?.text === text) last.times++;
    else runs.push({ text, times: 1 });
  }
  return listed(runs.map(({ text, times }) => (times === 1 ? text : `${times} × ${text}`)), 3);
}

function format({ parts, trained, frozen, state, flops }: Summary, hasExample: boolean): string {
  const shared = parts.filter(({ sharedWith }) => sharedWith !== null);
  const shown = parts.filter(({ path }) => !shared.some((other) => path.startsWith(`${other.path}.`))); // what is in them has been listed, too
  const rows = shown.map(({ path, kind, sharedWith, calls, outputs, flops, ...part }) => {
    if (sharedWith !== null) return [path, `${kind}, as ${sharedWith || "the whole"}`, "", "", "", ""];
    const note = part.frozen === 0 ? "" : part.frozen === part.parameters ? " frozen" : ` (${grouped(part.frozen)} frozen)`;
    const parameters = part.parameters === 0 ? "" : grouped(part.parameters) + note;
    return [path || "(the whole)", kind, parameters, calls === 0 ? "" : grouped(calls), megaflops(flops), shapesText(outputs)];
  });
  const columns = hasExample ? 6 : 3;
  const header = ["part", "class", "parameters", "calls", "MFLOP", "output"];
  return [
    ...table(header.slice(0, columns), rows.map((row) => row.slice(0, columns)), [true, true, false, false, false, true]),
    `${grouped(trained)} parameters are trained, ${grouped(frozen)} frozen${state === 0 ? "" : `; ${grouped(state)} numbers of state`}` +
      `${hasExample ? `; ${megaflops(flops) || 0} MFLOP forward` : ""}`,
  ].join("\n");
}
