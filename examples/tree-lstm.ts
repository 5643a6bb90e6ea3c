/**
 * A tree LSTM by recursion: it learns to calculate expressions such as (min 3 (plus 4 1)), modulo a number, and is tested on deeper ones.
 *
 * Only the value of the whole is told, never those of its parts. Each expression is a tree of another shape, so each step is another
 * program, and yet all that one writes is a function that calls itself. The task is ListOps (arXiv:1804.06028) with two arguments each.
 */

import { Adam, Component, checkGradients, evaluate, grad, Random, schedule, seed, stack, type Variable } from "flimsy-ml";
import { BinaryTreeLstm, Embedding, type LstmState, SoftmaxRegression } from "flimsy-ml/components";
import { minibatches } from "flimsy-ml/data";
import { errorRate } from "flimsy-ml/extras";
import { type Options, program, reached, stopwatch, table } from "./common.ts";

/** A number, or an operator with two arguments. */
interface Tree { readonly symbol: string; readonly arguments?: readonly [Tree, Tree]; readonly value: number; readonly depth: number; readonly nodes: number }

const operators: Record<string, (a: number, b: number, modulus: number) => number> = {
  min: (a, b) => Math.min(a, b), max: (a, b) => Math.max(a, b), plus: (a, b, modulus) => (a + b) % modulus,
};

/** A random expression of this depth: one argument is of the depth below, the other of any. */
function expression(depth: number, modulus: number, random: Random): Tree {
  if (depth === 0) {
    const value = random.integer(0, modulus);
    return { symbol: String(value), value, depth, nodes: 1 };
  }
  const [a, b] = random.shuffle([depth - 1, random.integer(0, depth)]).map((each) => expression(each, modulus, random));
  const symbol = random.choice(Object.keys(operators));
  return { symbol, arguments: [a, b], value: operators[symbol](a.value, b.value, modulus), depth, nodes: 1 + a.nodes + b.nodes };
}

const show = (tree: Tree): string => tree.arguments === undefined ? tree.symbol : `(${tree.symbol} ${tree.arguments.map(show).join(" ")})`;

class Calculator extends Component {
  readonly symbols; readonly embedding; readonly lstm; readonly output;
  constructor(modulus: number, units: number) {
    super();
    this.symbols = [...Object.keys(operators), ...Array.from({ length: modulus }, (_, i) => String(i))];
    this.embedding = new Embedding({ inputs: this.symbols.length, outputs: units });
    this.lstm = new BinaryTreeLstm({ inputs: units, outputs: units });
    this.output = new SoftmaxRegression({ inputs: units, outputs: modulus });
  }

  encode(tree: Tree): LstmState {
    const symbol = this.embedding.forward(this.symbols.indexOf(tree.symbol));
    if (tree.arguments === undefined) return this.lstm.step(symbol);
    const [a, b] = tree.arguments;
    return this.lstm.step(symbol, [this.encode(a), this.encode(b)]);
  }

  /** What the roots show, [trees, units]. */
  roots(trees: readonly Tree[]): Variable { return stack(trees.map((tree) => this.lstm.output(this.encode(tree)))); }
  cost(trees: readonly Tree[]) { return this.output.cost(this.roots(trees), trees.map(({ value }) => value), { reduction: "mean" }); }
  predict(trees: readonly Tree[]) { return this.output.predict(this.roots(trees)); }
}

/** The share of expressions that are calculated right, and how large they are. */
function test(θ: Calculator, trees: readonly Tree[]) {
  const predicted = [...minibatches(trees, 25)].flatMap((part) => [...evaluate(() => θ.predict(part)).data]);
  return { accuracy: 1 - errorRate(predicted, trees.map(({ value }) => value)), nodes: trees.reduce((sum, { nodes }) => sum + nodes, 0) / trees.length };
}

/** Of expressions of a depth, what saying the most frequent value would get right. */
function guessing(trees: readonly Tree[], modulus: number): number {
  return Math.max(...Array.from({ length: modulus }, (_, value) => trees.filter((tree) => tree.value === value).length)) / trees.length;
}

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  seed(n);
  const random = new Random(n);
  const [modulus, units, deepest, steps] = quick ? [3, 16, 2, 250] : [5, 64, 4, 1200];
  const θ = new Calculator(modulus, units);
  if (check) {
    const few = [1, 2, 3].map((depth) => expression(depth, modulus, random));
    console.log(String(checkGradients(() => θ.cost(few), θ, { maxEntries: 8 })));
  }
  const optimizer = new Adam(θ, { learningRate: schedule.cosine(quick ? 0.02 : 0.005, { steps }), clip: { norm: 1 } });
  const seconds = stopwatch();
  let [sum, nodes] = [0, 0];
  for (let step = 1; step <= steps; step++) {
    const trees = Array.from({ length: 16 }, () => expression(random.integer(1, deepest + 1), modulus, random));
    sum += grad(() => θ.cost(trees)).item();
    optimizer.update();
    for (const tree of trees) nodes += tree.nodes;
    if (step % 100 > 0) continue;
    console.log(`step ${step} of ${steps}: cost ${(sum / 100).toFixed(3)}, ${seconds().toFixed(0)} s`);
    sum = 0;
  }
  reached("time for a node", ((1e6 * seconds()) / nodes).toFixed(0), "µs, forward, backward and update");

  const rows = [];
  for (let depth = 1; depth <= 2 * deepest + 2; depth++) {
    const trees = Array.from({ length: quick ? 100 : 500 }, () => expression(depth, modulus, random));
    rows.push({ depth, trained: depth <= deepest ? "yes" : "no", ...test(θ, trees), guessing: guessing(trees, modulus) });
  }
  const example = expression(deepest, modulus, random);
  console.log(`\n${show(example)} modulo ${modulus} is ${example.value}; the network says ${evaluate(() => θ.predict([example])).data[0]}\n`);
  table(rows);
  return { rows, deepest };
}

await program(import.meta, main);
