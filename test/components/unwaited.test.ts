/** Every component is made, trained, copied and used on a device that cannot be waited for, and is then what it is on the reference device. */

import { describe, expect, it } from "vitest";
import {
  AdditiveAttention, AveragePool2d, BatchNorm, Bidirectional, BinaryTreeLstm, ChildSumTreeLstm, Conv2d, CtcOutput, Dropout, Embedding, FeedForward, Fusion,
  GatedRecurrent, LayerNorm, LinearRegression, Lstm, MaxPool2d, MemoryNetwork, MultiHeadAttention, SigmoidRegression, SimpleRecurrent, SoftmaxRegression,
  StackRnn, Stacked, TransformerBlock, ValueComponent,
} from "../../src/components/index.ts";
import { Adam, type Component, evaluate, grad, input, parameter, randn, ready, type Variable } from "../../src/index.ts";
import { libraryComponents } from "../../src/io/registry.ts";
import { onBoth, unwaited } from "../devices/unwaited.ts";

/** A component, and the loss of a step with it by the numbers given; where it has no parameters the numbers are trained. */
type Made<C extends Component> = [make: () => C, loss: (component: C, x: Variable) => Variable, shape: readonly number[]];
const square = (x: Variable): Variable => x.pow(2).sum();
const made = <C extends Component>(...all: Made<C>): Made<Component> => all as unknown as Made<Component>;
const sizes = { inputs: 3, outputs: 2 };
const forward = <C extends Component & { forward(x: Variable): Variable }>(make: () => C, shape: readonly number[]) =>
  made(make, (component, x) => square(component.forward(x)), shape);
const unfolded = <C extends Component & { unfold(x: Variable, state?: never, mask?: never): Variable }>(make: () => C) =>
  made(make, (component, x) => square(component.unfold(x)), [2, 4, 3]);
const mask = [[1, 1, 1, 0], [1, 1, 1, 1]];

const all: Record<string, Made<Component>> = {
  AdditiveAttention: made(() => new AdditiveAttention({ queries: 3, keys: 3, hidden: 4 }),
    (θ, x) => square(θ.attend(x.mean(1), θ.memory(x, mask)).context), [2, 4, 3]),
  BatchNorm: forward(() => new BatchNorm({ inputs: 3 }), [5, 3]),
  Bidirectional: unfolded(() => new Bidirectional({ forward: new Lstm(sizes) })),
  Conv2d: forward(() => new Conv2d({ inputs: 2, outputs: 3, size: 2 }), [2, 2, 4, 4]),
  CtcOutput: made(() => new CtcOutput(sizes), (θ, x) => θ.cost(x, [[1], [1, 1]], { mask }), [2, 4, 3]),
  Dropout: forward(() => new Dropout({ p: 0.5 }), [4, 5]),
  Embedding: made(() => new Embedding({ inputs: 6, outputs: 3 }), (θ, x) => θ.forward([4, 0, 4]).mul(x).sum(), [3, 3]),
  FeedForward: forward(() => new FeedForward({ inputs: 3, hidden: [4], outputs: 2, dropout: 0.5 }), [5, 3]),
  Fusion: made(() => new Fusion({ inputs: [3, 3], outputs: 2 }), (θ, x) => square(θ.forward([x, x.mul(2)])), [5, 3]),
  GatedRecurrent: unfolded(() => new GatedRecurrent({ ...sizes, normed: true })),
  LayerNorm: forward(() => new LayerNorm({ inputs: 3 }), [5, 3]),
  LinearRegression: made(() => new LinearRegression(sizes), (θ, x) => θ.cost(x, [[1, 2], [3, 4]]), [2, 3]),
  Lstm: unfolded(() => new Lstm({ ...sizes, normed: true })),
  MemoryNetwork: made(() => new MemoryNetwork({ inputs: 6, size: 3, memory: 5 }), (θ, x) => θ.cost([[1, 2], [3]], [4, 5], 2).add(x.sum().mul(0)), [1]),
  MultiHeadAttention: forward(() => new MultiHeadAttention({ inputs: 4, heads: 2, dropout: 0.5 }), [2, 3, 4]),
  AveragePool2d: forward(() => new AveragePool2d({ size: 2 }), [1, 4, 4]),
  MaxPool2d: forward(() => new MaxPool2d({ size: 2 }), [1, 4, 4]),
  SigmoidRegression: made(() => new SigmoidRegression(sizes), (θ, x) => θ.cost(x, [[1, 0], [0, 1]]), [2, 3]),
  SimpleRecurrent: unfolded(() => new SimpleRecurrent(sizes)),
  SoftmaxRegression: made(() => new SoftmaxRegression({ ...sizes, dropout: 0.5 }), (θ, x) => θ.cost(x, [1, 0]), [2, 3]),
  StackRnn: unfolded(() => new StackRnn({ ...sizes, depth: 3 })),
  Stacked: made(() => new Stacked({ layers: [new Lstm(sizes), new GatedRecurrent({ inputs: 2, outputs: 2 })], dropout: 0.5 }),
    (θ, x) => square(θ.unfold(x, undefined, mask)), [2, 4, 3]),
  TransformerBlock: made(() => new TransformerBlock({ inputs: 4, heads: 2, dropout: 0.5 }), (θ, x) => square(θ.forward(x)), [2, 3, 4]),
  BinaryTreeLstm: made(() => new BinaryTreeLstm(sizes),
    (θ, x) => square(θ.output(θ.step(null, [θ.step(x), θ.step(x.mul(2))]))), [3]),
  ChildSumTreeLstm: made(() => new ChildSumTreeLstm(sizes),
    (θ, x) => square(θ.output(θ.step(x, [θ.step(x), θ.step(null), θ.step(x.mul(2))]))), [3]),
  ValueComponent: made(() => new ValueComponent({ shape: [3] }), (θ, x) => square(θ.value.sub(x)), [3]),
};

describe("on a device that cannot be waited for", () => {
  it("each component is tried", () => { expect(Object.keys(all).sort()).toEqual(Object.keys(libraryComponents).sort()); });

  const device = unwaited();
  it.each(Object.entries(all))("%s is trained, copied and used without waiting, as on the reference device", async (_, [make, loss, shape]) => {
    await onBoth(async () => {
      const θ = make();
      const x = parameter(randn(shape));
      const optimizer = new Adam([x, ...θ.parameters()], { learningRate: 0.05 });
      const losses: Variable[] = [];
      for (let step = 0; step < 3; step++) {
        losses.push(grad(() => loss(θ, x)));
        optimizer.update();
      }
      const copy = θ.clone();
      losses.push(optimizer.minimize(() => loss(θ, x)), evaluate(() => loss(θ, x)), evaluate(() => loss(copy, input(x))));
      const arrays = [x, ...[θ, copy].flatMap((each) => [...each.parameters(), ...each.namedState().values()])];
      await ready([losses, arrays]);
      expect(String(copy)).toBe(String(θ));
      return [losses, arrays].map((some) => some.map(({ data }) => Array.from(data)));
    }, device);
  });
});
