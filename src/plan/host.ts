/** Functions of the host as launches: apart from the other lowerings, as most programs have none. */

import { type HostFunction, host } from "../kernels/kernel.ts";
import type { Lowering } from "./lowering.ts";

/** Launches a function of the host over the inputs of a node. */
export function lowerHost(lowering: Lowering, node: number, run: HostFunction): void {
  const { trace } = lowering;
  const inputs = Array.from({ length: trace.inputCount(node) }, (_, k) => trace.input(node, k));
  const kernel = host(inputs.length);
  const value = lowering.define(node);
  lowering.launch(kernel, node);
  lowering.output(value);
  for (const input of inputs) lowering.input(input);
  kernel.write(lowering.code, lowering.functionPlace(run), [node, ...inputs].map((operand) => lowering.shape(operand)));
}
