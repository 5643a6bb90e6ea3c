/** What each kind of kernel says of its operands is so, on every device: a table with a launch of each, which does not compile without one. */

import { describe, expect, it } from "vitest";
import type { Device, Program } from "../../src/devices/device.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { hasRelaxedSimd } from "../../src/devices/wasm/kernels.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { argument } from "../../src/kernels/expression.ts";
import * as kernels from "../../src/kernels/kernel.ts";
import { Ints } from "../../src/plan/ints.ts";

interface Launch {
  readonly kernel: kernels.Kernel;
  /** The number of elements of each operand. */
  readonly sizes: readonly number[];
  /** Writes the parameters. */
  readonly write: (words: Ints) => void;
  /** The numbers of operands that must be indices; others are what comes. */
  readonly indices?: readonly number[];
}

const [a, b] = [argument(0), argument(1)];
const { copy, copyAdd, gather, product, put, random, row, scatterAdd } = kernels;
const [m, n, k] = [3, 5, 4];
const square = { m: 4, n: 4, k: 4, rowA: 4, columnA: 1, rowB: 4, columnB: 1, count0: 1, batchA0: 0, batchB0: 0, count1: 1, batchA1: 0, batchB1: 0 };

const add = kernels.map(2, a.add(b), a.mul(b));
const normalized = row(["element"], [{ reduce: "sum", value: a }], [{ per: "element", value: a.sub(argument(1)) }]);
const host = kernels.host(1);

const launches: { readonly [K in kernels.Kind]: readonly Launch[] } = {
  map: [
    { kernel: add, sizes: [12, 12, 12, 4], write: (words) => add.write(words, [3, 4], [[3, 4], [4]]) },
    { kernel: add, sizes: [9, 9, 9, 9], write: (words) => add.writeFlat(words, 9) },
  ],
  row: [{ kernel: normalized, sizes: [15, 15], write: (words) => normalized.write(words, 3, 5, () => 5) }],
  columns: [{
    kernel: kernels.columns("sum"), sizes: [10, 30], write: (words) => kernels.writeParameters(kernels.columnsParameters, words, { outer: 2, n: 3, inner: 5 }),
  }],
  product: [kernels.ProductMode.plain, kernels.ProductMode.matrix].map((mode) =>
    ({ kernel: product, sizes: [16, 16, 16, 16], write: (words: Ints) => kernels.writeParameters(kernels.productParameters, words, { ...square, mode }) })),
  copy: [
    ...[copy, copyAdd].map((kernel) => ({ kernel, sizes: [15, 15], write: (words: Ints) => kernel.write(words, [m, n], [n, 1], [1, m]) })),
    { kernel: copy, sizes: [15, 15], write: (words) => copy.write(words, [15], [1], [1]) },
  ],
  gather: [gather, put].map((kernel) => ({
    kernel, sizes: kernel.puts ? [m * n, k * n, k] : [k * n, m * n, k], indices: [2],
    write: (words: Ints) => kernels.writeParameters(kernels.gatherParameters, words, { outer: 1, count: k, inner: n, size: m }),
  })),
  scatterAdd: [{
    kernel: scatterAdd, sizes: [m * n, k, k * n, m * n], indices: [1],
    write: (words) => kernels.writeParameters(kernels.scatterAddParameters, words, { outer: 1, count: k, inner: n, size: m }),
  }],
  scan: [[false, false], [true, false], [false, true], [true, true]].map(([isBackwards, hasFactors]) => ({
    kernel: kernels.scan("sum", isBackwards, hasFactors), sizes: hasFactors ? [60, 60, 60] : [60, 60],
    write: (words: Ints) => kernels.writeParameters(kernels.columnsParameters, words, { outer: 2, n: 5, inner: 6 }),
  })),
  random: [{ kernel: random, sizes: [10, 8], indices: [1], write: (words) => kernels.writeParameters(kernels.randomParameters, words, { n: 10 }) }],
  host: [{ kernel: host, sizes: [6, 6], write: (words) => host.write(words, 0, [[2, 3], [6]]) }],
};

/** What an operand that is read holds: multiples of a quarter. */
const number = (operand: number, j: number): number => ((7 * j + 3 * operand) % 11) / 4 - 1;

const cases = Object.entries(launches).flatMap(([kind, list]) => list.map((launch, i) => [`${kind}, ${i}`, launch] as const));
const words = (launch: Launch): Ints => {
  const found = new Ints();
  launch.write(found);
  return found;
};

/** Runs a launch and gives what its operands hold then. Operand `same[0]` lies where `same[1]` does. */
function run(device: Device, launch: Launch, filler: number, same: readonly [number, number] | null = null): number[][] {
  const { kernel, sizes, indices = [] } = launch;
  const buffers = sizes.map((size, i) => {
    const buffer = device.allocate(size, "inputs");
    const isMade = kernel.operands[i] === "written";
    device.write(buffer, Float64Array.from({ length: size }, (_, j) => (indices.includes(i) ? j % m : isMade ? filler : number(i, j))));
    return buffer;
  });
  const places = sizes.map((_, i) => (same !== null && i === same[0] ? same[1] : i));
  const parameters = words(launch).toArray();
  const program: Program = {
    words: Int32Array.of(kernel.id, 2 + 2 * sizes.length + parameters.length, ...places.flatMap((i) => [i + 1, 0]), ...parameters),
    launches: 1, arena: 4, scalars: new Int32Array(0), hosts: new Int32Array(0), buffers: buffers.length, strands: new Int32Array(0), checks: null,
    functions: [({ data }, x) => { for (let j = 0; j < data.length; j++) data[j] = 2 * x.data[j]; }],
  };
  device.run(device.prepare(program), new Float64Array(0), [], buffers);
  device.endStep();
  return places.map((i) => [...device.read(buffers[i])]);
}

const devices: readonly (readonly [string, Device])[] = [
  ["reference", new ReferenceDevice()],
  ...[...new Set([false, hasRelaxedSimd()])].map((fused) => [`wasm, fused ${fused}`, new WasmDevice({ fused })] as const),
];

describe.each(devices)("on %s", (_, device) => {
  it.each(cases)("%s reads what it says it reads, and writes all of what it says it writes", (_, launch) => {
    const { operands } = launch.kernel;
    const [once, again] = [run(device, launch, 5), run(device, launch, -6)];
    expect(again).toEqual(once);
    operands.forEach((role, i) => {
      if (role !== "read" || launch.indices?.includes(i)) return;
      expect(once[i], `operand ${i}`).toEqual(Array.from({ length: launch.sizes[i] }, (_, j) => number(i, j)));
    });
  });

  it.each(cases)("%s gives the same in place, where it may be", (_, launch) => {
    const { kernel, sizes } = launch;
    const outputs = kernels.outputCount(kernel.id);
    const right = run(device, launch, 5);
    for (let input = outputs; input < sizes.length; input++) {
      const code = new Ints();
      sizes.forEach((_, i) => { code.push2(i, 0); });
      for (const word of words(launch).toArray()) code.push(word);
      if (!kernel.runsInPlace(code, 0, input)) continue;
      expect(run(device, launch, 5, [0, input])[0], `operand ${input}`).toEqual(right[0]);
    }
  });
});

describe("what kinds say of launches", () => {
  it.each(cases)("%s has as many parameters as are written", (_, launch) => {
    const found = words(launch);
    expect(launch.kernel.parameterCount(found, 0)).toBe(found.length);
  });

  it("some may work in place, as they are and no others", () => {
    const may = cases.flatMap(([name, launch]) => launch.sizes.flatMap((_, input) => {
      const code = new Ints();
      launch.sizes.forEach((_, i) => { code.push2(i, 0); });
      for (const word of words(launch).toArray()) code.push(word);
      return input >= kernels.outputCount(launch.kernel.id) && launch.kernel.runsInPlace(code, 0, input) ? [`${name}: ${input}`] : [];
    }));
    expect(may).toEqual(["map, 1: 2", "map, 1: 3", "product, 1: 3", "copy, 2: 1", "scan, 0: 1", "scan, 1: 1", "scan, 2: 1", "scan, 3: 1"]);
  });
});
