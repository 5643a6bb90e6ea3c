/** What a component has learned, as arrays of numbers. */

import { type Component, type Parameter, ready, type State } from "../index.ts";

export type Values = readonly (Float32Array | Float64Array)[];

/** What is kept of the best epoch: parameters, then state. */
export const arraysOf = (component: Component): readonly (Parameter | State)[] => [...component.parameters(), ...component.namedState().values()];
/** Copies of the numbers, when they are there. */
export const read = async (arrays: readonly (Parameter | State)[]): Promise<Values> => (await ready(arrays)).map(({ data }) => data);
export const valuesOf = (component: Component): Promise<Values> => read(arraysOf(component));
