// @ts-check
/**
 * What a structure costs that never comes again: each step is recorded, differentiated, planned and placed anew. Elementwise chains of
 * operations drawn at random, and tree LSTMs over random trees; beside them steps of the same size whose structure repeats.
 * Kernels run inside WebAssembly: what is left of a step without the time in there is what the library itself takes.
 *
 *   node bench/never-repeats.js [--json]
 */

import { assert, assertClose, print, randomArray, row, scaled, summary, uniform } from "./report.js";

let inside = 0;
/** The device enters WebAssembly by one exported function. @param {(from: number, to: number) => void} run */
const timed = (run) => (/** @type {number} */ from, /** @type {number} */ to) => {
  const start = performance.now();
  run(from, to);
  inside += performance.now() - start;
};
const { Instance } = WebAssembly;
// Before the library is loaded, which makes its instances then.
WebAssembly.Instance = /** @type {any} */ (function instance(/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) {
  const { exports } = new Instance(module, imports);
  return { exports: typeof exports.run === "function" ? { ...exports, run: timed(/** @type {any} */ (exports.run)) } : exports };
});

const { add, cost, debug, evaluate, grad, input, mul, parameter, seed, setDevice, tanh, threads } = await import("flimsy-ml");
const { BinaryTreeLstm, Embedding, SoftmaxRegression } = await import("flimsy-ml/components");
const { explain } = await import("flimsy-ml/explain");

/** @typedef {import("flimsy-ml").Variable} Variable */
/** @typedef {number | Fork} Tree */
/** @typedef {{ left: Tree, right: Tree }} Fork */
/**
 * @template S
 * @typedef {object} Workload
 * @property {string} name
 * @property {Iterable<import("flimsy-ml").Parameter>} parameters
 * @property {() => S} draw another structure
 * @property {(structure: S) => Variable} loss
 */

const next = uniform(6);
const below = (/** @type {number} */ n) => Math.floor(next() * n);

/** As in tiny-ops.js. @param {number} length @returns {Workload<Uint8Array>} */
function chain(length) {
  const start = parameter(randomArray(8, 1));
  const shift = input(randomArray(8, 2, -0.1, 0.1));
  const factor = input(randomArray(8, 3).map((x) => Math.sign(x) * (1 + 0.01 * x)));
  return {
    name: `chain of ${length} elementwise operations on 8 floats`,
    parameters: [start],
    draw: () => Uint8Array.from({ length }, () => below(3)),
    loss(kinds) {
      /** @type {Variable} */
      let x = start;
      for (const kind of kinds) x = kind === 0 ? add(x, shift) : kind === 1 ? mul(x, factor) : tanh(x);
      return x.sum();
    },
  };
}

/** Trees of any form, by recursion. @param {number} count @param {number} leaves @param {number} units @returns {Workload<Tree[]>} */
function trees(count, leaves, units) {
  const words = new Embedding({ inputs: 20, outputs: units });
  const lstm = new BinaryTreeLstm({ inputs: units, outputs: units });
  const readout = new SoftmaxRegression({ inputs: units, outputs: 5 });
  /** @param {number} size @returns {Tree} */
  const grow = (size) => {
    if (size === 1) return below(20);
    const left = 1 + below(size - 1);
    return { left: grow(left), right: grow(size - left) };
  };
  /** @param {Tree} tree @returns {import("flimsy-ml/components").LstmState} */
  const encode = (tree) => typeof tree === "number" ? lstm.step(words.forward(tree)) : lstm.step(null, [encode(tree.left), encode(tree.right)]);
  return {
    name: `tree LSTM of ${units} units, ${count === 1 ? "one tree" : `${count} trees`} of ${leaves} leaves`,
    parameters: [words, lstm, readout].flatMap((component) => [...component.parameters()]),
    draw: () => Array.from({ length: count }, () => grow(leaves)),
    loss: (all) => all.map((tree) => cost.categoricalCrossEntropyWithScores(readout.score(lstm.output(encode(tree))), 1)).reduce((a, b) => a.add(b)),
  };
}

/** @template S @param {Workload<S>} workload @param {S} structure */
function step({ parameters, loss }, structure) {
  const result = grad(() => loss(structure));
  for (const parameter of parameters) parameter.clearGrad();
  return result;
}

/** Against the float64 loops of the reference device. @template S @param {Workload<S>} workload @param {S} structure */
function check({ name, parameters, loss }, structure) {
  const [found, expected] = /** @type {const} */ (["wasm", "reference"]).map((device) => {
    setDevice(device);
    const value = grad(() => loss(structure)).item();
    const gradients = [...parameters].map(({ grad: gradient }) => Float64Array.from(gradient?.data ?? []));
    for (const parameter of parameters) parameter.clearGrad();
    return { value, gradients };
  });
  setDevice("wasm");
  // Float32 through a thousand operations leaves some 10⁻⁴; what is wrong differs by more.
  assertClose([found.value], [expected.value], 1e-3, `${name}, loss`);
  const largest = Math.max(...expected.gradients.map((gradient) => gradient.reduce((a, b) => Math.max(a, Math.abs(b)), 0)));
  found.gradients.forEach((gradient, i) => { assertClose([...gradient, largest], [...expected.gradients[i], largest], 1e-3, `${name}, gradient ${i}`); });
}

/** Microseconds a step: by the clock, inside WebAssembly, of the processor. @template S @param {Workload<S>} workload @param {S[]} structures */
function sample(workload, structures) {
  inside = 0;
  const before = process.cpuUsage();
  const start = performance.now();
  for (const structure of structures) step(workload, structure);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const each = 1 / structures.length;
  return { wall: wall * 1000 * each, kernels: inside * 1000 * each, cpu: (user + system) * each };
}

/** @param {{ wall: number, kernels: number, cpu: number }[]} samples */
function medians(samples) {
  const of = (/** @type {(sample: typeof samples[number]) => number} */ f) => summary(samples.map(f));
  return { wall: of(({ wall }) => wall), kernels: of(({ kernels }) => kernels), beside: of(({ wall, kernels }) => wall - kernels), cpu: of(({ cpu }) => cpu) };
}

/**
 * How many operations a program has, alone and with those of its backward pass. Run one by one none is joined with another, and the last one to
 * run has seen all.
 * @template S @param {Workload<S>} workload @param {S} structure
 */
function count(workload, structure) {
  debug({ eager: true });
  const [forward, all] =
    [() => evaluate(() => workload.loss(structure)), () => step(workload, structure)].map((f) => explain(f, { runs: 1 }).steps.at(-1)?.operations ?? 0);
  debug({ eager: false });
  return { forward, all };
}

/** @template S @param {Workload<S>} workload */
function measure(workload, rounds = 31) {
  const fixed = workload.draw();
  check(workload, fixed);
  check(workload, workload.draw());
  const operations = count(workload, fixed);
  const some = (/** @type {number} */ n) => Array.from({ length: n }, workload.draw);
  const repeated = (/** @type {number} */ n) => new Array(n).fill(fixed);
  for (const structures of [some, repeated]) {
    for (const end = performance.now() + 500; performance.now() < end;) sample(workload, structures(8));
  }
  const steps = Math.max(4, Math.ceil(15_000 / sample(workload, some(8)).wall));
  const never = [];
  const repeats = [];
  for (let round = 0; round < rounds; round++) {
    never.push(sample(workload, some(steps)));
    sample(workload, repeated(8)); // its plan may have had to make room
    repeats.push(sample(workload, repeated(4 * steps)));
  }
  assert(inside > 0, "no time was seen inside WebAssembly: the device enters it by another function");
  return { name: workload.name, operations, never: medians(never), repeats: medians(repeats) };
}

seed(1);
threads(1);
const results = [chain(1000), trees(1, 20, 64), trees(16, 10, 64)].map((workload) => measure(/** @type {Workload<any>} */ (workload)));
if (process.argv.includes("--json")) console.log(JSON.stringify(results));
else {
  for (const { name, operations: { forward, all }, never, repeats } of results) {
    console.log(`${name}: ${forward} operations, ${all} with those of the backward pass`);
    print([
      row("  never repeats: beside the kernels, per operation", scaled(never.beside, 1 / all), "µs"),
      row("  per operation of the program, with its gradient", scaled(never.beside, 1 / forward), "µs"),
      row("  kernels, per operation", scaled(never.kernels, 1 / all), "µs"),
      row("  repeats: beside the kernels, per operation", scaled(repeats.beside, 1 / all), "µs"),
      row("  kernels, per operation", scaled(repeats.kernels, 1 / all), "µs"),
    ]);
  }
}
