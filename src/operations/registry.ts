/** Every operation of the library by name: the tests walk this table, so that none can be forgotten. */

import type { Operation } from "../engine/operation.ts";

const table = new Map<string, Operation>();

/** Enters an operation of the library into the table. */
export function register<O extends Operation>(operation: O): O {
  table.set(operation.name, operation);
  return operation;
}

export const operations: ReadonlyMap<string, Operation> = table;
