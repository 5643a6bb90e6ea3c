/** What is kept of a training besides the component: optimizers and generators. */

import { Optimizer, type OptimizerState, Random, type RandomState, ValueError, type Variable } from "../index.ts";
import { isRecord } from "./json.ts";
import { quoted } from "./messages.ts";
import type { Json } from "./structure.ts";
import type { TensorFile } from "./tensor-file.ts";

/** An optimizer, whatever its settings are. */
export type AnyOptimizer = Pick<Optimizer, "parameters" | "slotsOf" | "step" | "snapshot" | "restore">;

/** One of something, or several by name. */
export type OneOrMore<T> = T | Readonly<Record<string, T>>;

/** The name that one alone has. */
export const alone = { optimizer: "optimizer", random: "random" } as const;
/** The name of the default generator. */
const defaultName = "default";

/**
 * Optimizers or generators by name.
 * @throws ValueError for anything else
 */
export function named<T>(caller: string, what: keyof typeof alone, given: OneOrMore<T> | undefined): Map<string, T> {
  const kind = what === "optimizer" ? Optimizer : Random;
  if (given === undefined) return new Map();
  if (given instanceof kind) return new Map([[alone[what], given as T]]);
  const entries = isRecord(given) ? Object.entries(given) : [];
  if (entries.length === 0 || !entries.every(([, value]) => value instanceof kind)) {
    throw new ValueError(`${caller} takes ${what === "optimizer" ? "an Optimizer" : "a Random"} as ${what}, or an object of them by name.`);
  }
  if (what === "random" && entries.some(([name, value]) => name === defaultName && value !== (Random.default as unknown))) {
    throw new ValueError(`${caller} got a generator called "${defaultName}", which is the name of Random.default. Choose another name.`);
  }
  return new Map(entries as [string, T][]);
}

/** The states of generators, that of the default one first. */
export function encodeRandoms(randoms: ReadonlyMap<string, Random>): Record<string, RandomState> {
  return Object.fromEntries([[defaultName, Random.default], ...randoms].map(([name, random]) => [name, (random as Random).state]));
}

/**
 * An optimizer as JSON.
 * @param add puts an array into the file, and gives the name that it has there
 */
export function encodeOptimizer(
  key: string, optimizer: AnyOptimizer, nameOf: (parameter: Variable) => string | null, add: (name: string, value: Variable) => string,
): Json {
  const { step, learningRates, random, parameters } = optimizer.snapshot();
  return {
    step, learningRates: learningRates.map((rate) => (isRecord(rate) ? { ...rate } : rate)), random: random === null ? null : { ...random },
    parameters: parameters.map(({ count, slots }, i) => {
      const name = nameOf(optimizer.parameters[i]);
      const prefix = key === alone.optimizer ? alone.optimizer : `${alone.optimizer}/${key}`;
      return { name, count, state: Object.entries(slots).map(([slot, value]) => [slot, add(`${prefix}/${slot}/${name ?? `#${i}`}`, value)]) };
    }),
  };
}

/** What a file says of training. */
export interface Training {
  readonly step: number;
  readonly random: ReadonlyMap<string, RandomState>;
  readonly optimizers: ReadonlyMap<string, SavedOptimizer>;
  /** Further paths of arrays that are held at several places, and the names of these in the file. */
  readonly shared: ReadonlyMap<string, string>;
  /** The names of parameters that are frozen; null if the file does not say. */
  readonly frozen: ReadonlySet<string> | null;
  /** The arrays of optimizers. */
  readonly tensors: ReadonlySet<string>;
}

export interface SavedOptimizer {
  /** For each parameter its name in the component, or null. */
  readonly names: readonly (string | null)[];
  /** Reads its arrays. */
  state(): OptimizerState;
}

export const noTraining: Training = { step: 0, random: new Map(), optimizers: new Map(), shared: new Map(), frozen: null, tensors: new Set() };

/** @throws CheckpointError */
export function decodeTraining(file: TensorFile, json: unknown): Training {
  const wrong = (what: string): Error => file.damaged(`what it says of training has ${what}.`);
  if (!isRecord(json)) throw wrong("another form than it should");
  const { step, random, optimizers, shared, frozen = null } = json;
  if (!Number.isSafeInteger(step) || (step as number) < 0) throw wrong(`the step ${quoted(step)}`);
  if (!isRecord(random) || !isRecord(optimizers) || !isRecord(shared)) throw wrong("no generators, optimizers or shared arrays");
  const tensors = new Set<string>();
  const saved = Object.entries(optimizers).map(([name, optimizer]) => [name, decodeOptimizer(file, optimizer, tensors, wrong)] as const);
  for (const [path, name] of Object.entries(shared)) {
    if (typeof name !== "string" || !file.has(name) || file.has(path)) {
      throw wrong(`${quoted(path)} for the tensor ${quoted(name)}, which is not there, or is there twice`);
    }
  }
  if (frozen !== null && !(Array.isArray(frozen) && frozen.every((name) => typeof name === "string" && file.has(name)))) {
    throw wrong("frozen parameters that are not there");
  }
  return {
    step: step as number,
    random: new Map(Object.entries(random).map(([name, state]) => [name, checkState(state, wrong)])),
    optimizers: new Map(saved),
    shared: new Map(Object.entries(shared) as [string, string][]),
    frozen: frozen && new Set(frozen as string[]),
    tensors,
  };
}

function checkState(state: unknown, wrong: (what: string) => Error): RandomState {
  const random = new Random(0);
  try {
    random.state = state as RandomState;
  } catch {
    throw wrong(`a generator with the state ${quoted(JSON.stringify(state))}`);
  }
  return random.state;
}

function decodeOptimizer(file: TensorFile, json: unknown, tensors: Set<string>, wrong: (what: string) => Error): SavedOptimizer {
  const { step, learningRates, random, parameters } = isRecord(json) ? json : ({} as Record<string, unknown>);
  if (!isCount(step) || !Array.isArray(parameters)) throw wrong("an optimizer without steps or parameters");
  if (!Array.isArray(learningRates) || learningRates.length === 0 ||
    !learningRates.every((rate) => isRate(rate) || (isRecord(rate) && Object.values(rate).every((value) => value === null || typeof value === "number")))) {
    throw wrong("an optimizer without learning rates");
  }
  const noise = random === null ? null : checkState(random, wrong);
  const arrays = parameters.map((entry: unknown) => {
    const { name, count, state } = isRecord(entry) ? entry : ({} as Record<string, unknown>);
    if ((name !== null && typeof name !== "string") || !isCount(count) || !Array.isArray(state)) {
      throw wrong("a parameter of an optimizer without name, count and state");
    }
    for (const pair of state as unknown[]) {
      const [slot, tensor] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
      if (typeof slot !== "string" || typeof tensor !== "string" || !file.has(tensor)) {
        throw wrong(`an optimizer that refers to the tensor ${quoted(tensor)}, which is not there`);
      }
      if (tensors.has(tensor)) throw wrong(`an optimizer that refers to the tensor ${quoted(tensor)} twice`);
      tensors.add(tensor);
    }
    return { name, count, state: state as [string, string][] };
  });
  return {
    names: arrays.map(({ name }) => name),
    state: () => ({
      step, learningRates: learningRates as OptimizerState["learningRates"], random: noise,
      parameters: arrays.map(({ count, state }) => ({ count, slots: Object.fromEntries(state.map(([slot, tensor]) => [slot, file.variable(tensor)])) })),
    }),
  };
}

const isRate = (value: unknown): boolean => value === null || (typeof value === "number" && value >= 0 && Number.isFinite(value));
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
