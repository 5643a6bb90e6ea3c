/** Loading the arrays of a file into a component that is there: all of them, or none. */

import { type Component, input, Parameter, ShapeError, ValueError, type Variable } from "../index.ts";
import { sameShape } from "../support/shape.ts";
import { listed } from "../support/describe.ts";
import { nameOfPath } from "../support/places.ts";
import { type TypedArray, typedArrays } from "./dtypes.ts";
import { type Holding, holdings, isAssignable, isReplaceable, kindOf, replace, shapeOf, type Tensor } from "./holdings.ts";
import { shapeText } from "./messages.ts";
import type { TensorFile } from "./tensor-file.ts";

/**
 * Checks that the tensors are those of the component.
 * @param names the tensors of the file that are meant
 * @param shared further paths of some of them
 * @returns puts the values into the component; it cannot fail
 * @throws ValueError or ShapeError that lists every difference
 */
export function prepare(file: TensorFile, component: Component, names: readonly string[], shared: ReadonlyMap<string, string>): () => void {
  const held = holdings(component, true);
  if (held === null) throw new ValueError("The component has parts that are nested too deep, or share parts in more ways than can be gone through.");
  const wanted = new Set(names);
  const other: string[] = [];
  const problems: string[] = [];
  const used = new Set<string>();
  /** What the file has for each array. */
  const sources = new Map<Tensor, string>();
  const places: { readonly holding: Holding; readonly name: string }[] = [];
  for (const holding of held) {
    const value = holding.value as Tensor;
    const path = nameOfPath(holding.path);
    const name = wanted.has(path) ? path : shared.get(path);
    if (name === undefined || !wanted.has(name)) {
      continue;
    }
    used.add(name);
    const before = sources.get(value);
    if (before === name) continue;
    if (before !== undefined) problems.push(`${path} is one array with ${before} here, but in the file they are two`);
    else if (!sameShape(shapeOf(value), file.shape(name))) other.push(
      `${path} is ${shapeText(file.shape(name))} in the file, but ${shapeText(shapeOf(value))} here`,
    );
    else if (!isAssignable(value)) problems.push(...misfits(file, holding, name));
    sources.set(value, name);
    places.push({ holding, name });
  }
  // One path of an array is enough. What is not trained is in the file too: it may have been learned, as running statistics are.
  const lacking = new Map<Tensor, string>();
  for (const { path, value } of held) if (!sources.has(value as Tensor) && !lacking.has(value as Tensor)) lacking.set(value as Tensor, nameOfPath(path));
  const absent = [...lacking].map(([value, path]) => `${path} ${shapeText(shapeOf(value))}`);
  const made = [...lacking].filter(([value]) => !(value instanceof Parameter)).map(([, path]) => path);
  const unexpected = names.filter((name) => !used.has(name)).map((name) => `${name} ${shapeText(file.shape(name))}`);
  const lines = [
    ...(absent.length > 0 ? [`not in the file: ${listed(absent)}`] : []),
    ...(made.length > 0 ? [`${listed(made)} ${made.length === 1 ? "is no parameter, but is" : "are no parameters, but are"} kept in files ` +
      "as well. If the file is older than that field, take it out while the file is restored (θ.mean = undefined), and put it back"] : []),
    ...(unexpected.length > 0 ? [`only in the file: ${listed(unexpected)}`] : []),
    ...(other.length > 0 ? [`of another shape: ${listed(other, 10, "; ")}`] : []),
    ...(problems.length > 0 ? [listed(problems, 10, "; ")] : []),
  ];
  if (lines.length > 0) {
    const message = `${file.name} was not loaded, since it does not fit the ${component.constructor.name}. Nothing has been changed.\n  ${lines.join("\n  ")}`;
    throw absent.length + unexpected.length + problems.length === 0 ? new ShapeError(message) : new ValueError(message);
  }
  const assignments = places.map(({ holding, name }) => assignment(file, holding, name));
  // Arrays that are not parameters are exchanged wherever they are held.
  const exchanged = new Map<Tensor, Variable>();
  return () => {
    for (const assign of assignments) assign(exchanged);
    for (const holding of held) {
      const variable = exchanged.get(holding.value as Tensor);
      if (variable !== undefined && isReplaceable(holding)) replace(holding, variable);
    }
  };
}

/** Why an array that is no parameter cannot be loaded. */
function misfits(file: TensorFile, holding: Holding, name: string): string[] {
  const value = holding.value as Tensor;
  const type = typedArrays.get(kindOf(value));
  if (type === undefined) return isReplaceable(holding) ? [] : [`${name} is a Variable in a field that is read-only here`];
  return file.dtype(name) === type.dtype ? [] : [`${name} is ${file.dtype(name)} in the file, but a ${kindOf(value)} here`];
}

function assignment(file: TensorFile, { value }: Holding, name: string): (exchanged: Map<Tensor, Variable>) => void {
  if (isAssignable(value)) {
    const values = file.numbers(name);
    return () => {
      value.assign(values);
      if (value instanceof Parameter) value.clearGrad(); // it was the gradient of other values
    };
  }
  const type = typedArrays.get(kindOf(value as Tensor));
  if (type !== undefined) {
    const array = file.array(name, type.make);
    return () => { (value as { set(array: TypedArray): void }).set(array); };
  }
  const variable = input(file.numbers(name), file.shape(name));
  return (exchanged) => { exchanged.set(value as Tensor, variable); };
}
