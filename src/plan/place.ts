/**
 * Where values live in the arena: each gets the memory of one that has died, by liveness.
 * Free pieces are kept by size, of which there are eight an octave, so placing is constant time a value
 * and wastes at most an eighth.
 */

import { operandCount, outputCount } from "../kernels/kernel.ts";
import type { Policy } from "../devices/device.ts";
import { Ints } from "./ints.ts";
import { GROUP, type Launches } from "./launches.ts";

/** The elements of the piece for an array of a size, in multiples of `unit`: eight sizes an octave. */
export function roomOf(size: number, unit: number): number {
  const units = Math.max(1, Math.ceil(size / unit));
  const step = 2 ** Math.max(0, 28 - Math.clz32(units - 1)); // an eighth of the largest power of two below
  return Math.ceil(units / step) * step * unit;
}

/** Places every value that has no place yet, from `start` on, and returns the size of the arena. */
export function place(launches: Launches, start: number, { unit, slack }: Policy): number {
  launches.spanParts();
  const { valueSize, valueFirst, valueLast, valueSpace, valueOffset, valueWhole, valueStart, launchKernel, launchStart, code } = launches;
  const free = new Map<number, number[]>();
  let arena = start;
  const dying = Ints.take();
  // Strands may run side by side, so what dies in one of them leaves its place when all have ended.
  const held = Ints.take();
  let fork = 0;
  let isHeld = false;

  for (let launch = 0; launch < launchKernel.length; launch++) {
    while (fork < launches.forks.length) {
      const bounds = launches.forks[fork];
      isHeld = launch >= bounds[0];
      if (launch < bounds[bounds.length - 1]) break;
      isHeld = false;
      fork++;
      for (let i = 0; i < held.length; i++) release(held.at(i));
      held.length = 0;
    }
    const id = launchKernel.at(launch);
    if (id === GROUP) continue; // nothing outside read it
    const outputs = outputCount(id);
    const operands = operandCount(id);
    const at = launchStart.at(launch);

    // Values that die here; those that are read element by element leave their place to the outputs, unless one begins elsewhere in it.
    let isInPlace = true;
    for (let k = 0; k < outputs; k++) if (valueStart.at(code.at(at + 2 * k)) !== 0) isInPlace = false;
    dying.length = 0;
    for (let k = 0; k < operands; k++) {
      const operand = code.at(at + 2 * k);
      const value = valueWhole.at(operand) < 0 ? operand : valueWhole.at(operand);
      if (valueLast.at(value) !== launch || valueSpace.at(value) !== 0 || valueFirst.at(value) < 0) continue;
      if (k < outputs && valueFirst.at(value) === launch) continue;
      valueLast.put(value, -2); // once only, though it may be an operand twice
      if (isHeld) held.push(value);
      else if (isInPlace && operand === value && launches.isElementwiseAt(launch, value)) release(value);
      else dying.push(value);
    }
    for (let k = 0; k < outputs; k++) {
      const output = code.at(at + 2 * k);
      if (valueSpace.at(output) >= 0) continue;
      const value = valueWhole.at(output) < 0 ? output : valueWhole.at(output);
      if (valueSpace.at(value) < 0) {
        const room = roomOf(valueSize.at(value), unit);
        const pieces = free.get(room) ?? [];
        // The last one may still be in the cache; where some are left free, the one that has been so for longest.
        let offset = pieces.length * room <= slack ? undefined : slack > 0 ? pieces.shift() : pieces.pop();
        if (offset === undefined) {
          offset = arena;
          arena += room;
        }
        valueSpace.put(value, 0);
        valueOffset.put(value, offset);
        if (valueLast.at(value) === launch) (isHeld ? held : dying).push(value); // written, never read
      }
      if (value !== output) {
        valueSpace.put(output, 0);
        valueOffset.put(output, valueOffset.at(value) + valueStart.at(output));
      }
    }
    for (let i = 0; i < dying.length; i++) release(dying.at(i));
  }
  // Values that no launch writes (empty arrays) still need a place to point to.
  for (let value = 0; value < valueSpace.length; value++) if (valueSpace.at(value) < 0) valueSpace.put(value, 0);
  Ints.give(dying);
  Ints.give(held);
  return arena;

  function release(value: number): void {
    const room = roomOf(valueSize.at(value), unit);
    const pieces = free.get(room);
    if (pieces === undefined) free.set(room, [valueOffset.at(value)]);
    else pieces.push(valueOffset.at(value));
  }
}
