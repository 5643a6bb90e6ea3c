/** Every component can be built again from its options, which JSON can hold: what saving and restoring rests on. */

import { describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import { Component } from "../../src/index.ts";

type Build = new (options: never) => Component & { readonly options: object };

const examples: Record<string, object> = {
  AdditiveAttention: { queries: 2, keys: 3, hidden: 4 },
  AveragePool2d: { size: [2, 2] },
  Bidirectional: { forward: new components.Lstm({ inputs: 2, outputs: 3 }), backward: new components.GatedRecurrent({ inputs: 2, outputs: 1 }) },
  BinaryTreeLstm: { inputs: 2, outputs: 3 },
  ChildSumTreeLstm: { inputs: 2, outputs: 3 },
  Conv2d: { inputs: 2, outputs: 3, size: [2, 3], stride: [2, 2], padding: [1, 1] },
  CtcOutput: { inputs: 2, outputs: 3, blank: 1 },
  Dropout: { p: 0.25 },
  Embedding: { inputs: 5, outputs: 2, std: 0.5 },
  FeedForward: { inputs: 2, hidden: [3, 4], outputs: 1, activation: "tanh", outputActivation: "sigmoid", dropout: 0.1 },
  Fusion: { inputs: [2, 3], outputs: 4 },
  GatedRecurrent: { inputs: 2, outputs: 3, normed: true },
  LayerNorm: { inputs: 3, epsilon: 1e-3 },
  LinearRegression: { inputs: 2, outputs: 1, dropout: 0.5 },
  Lstm: { inputs: 2, outputs: 3, normed: true },
  MaxPool2d: { size: [2, 1], stride: [1, 3] },
  MemoryNetwork: { inputs: 6, outputs: 3, size: 2, memory: 4, hops: 2, positions: false },
  MultiHeadAttention: { inputs: 4, keys: 2, outputs: 3, heads: 2, hidden: 6, dropout: 0.1 },
  SigmoidRegression: { inputs: 2, outputs: 3 },
  SimpleRecurrent: { inputs: 2, outputs: 3, activation: "relu", normed: true },
  SoftmaxRegression: { inputs: 2, outputs: 3 },
  StackRnn: { inputs: 2, outputs: 3, stacks: 2, depth: 5, width: 2, visible: 1, keep: false },
  Stacked: { layers: [new components.Lstm({ inputs: 2, outputs: 3 }), new components.SimpleRecurrent({ inputs: 3, outputs: 1 })], dropout: 0.2 },
  TransformerBlock: { inputs: 4, heads: 2, hidden: 3, activation: "relu", dropout: 0.1, causal: true },
  ValueComponent: { shape: [2, 3] },
};

const classes = Object.entries(components).filter(([, value]) => typeof value === "function" && value.prototype instanceof Component);
const concrete = classes.filter(([name]) => !["LinearModel", "Recurrent", "SequenceComponent"].includes(name)) as unknown as [string, Build][];

/** As a saver would: parts that are components are saved by themselves. */
const plain = (options: object): unknown =>
  JSON.parse(JSON.stringify(options, (_, value) => (value instanceof Component ? { component: value.constructor.name, options: plain((value as never as { options: object }).options) } : value)));

const shapes = (component: Component): string[] => [...component.namedParameters()].map(([name, p]) => `${name} [${p.shape}]`);

it("has an example of every component", () => expect(concrete.map(([name]) => name).sort()).toEqual(Object.keys(examples).sort()));

describe.each(concrete)("%s", (name, Build) => {
  const component = new Build(examples[name] as never);

  it("is built again from its options", () => {
    const { options } = component;
    const again = new Build(options as never);
    expect(shapes(again)).toEqual(shapes(component));
    expect(plain(again.options)).toEqual(plain(options));
    // Nothing that was given is lost, and besides components nothing is there that JSON could not hold.
    expect(plain(options)).toMatchObject(plain(examples[name]) as object);
    if (!Object.values(options).flat().some((part) => part instanceof Component)) expect(plain(options)).toEqual(options);
  });

  it("names its parameters by field, each once", () => {
    const paths = [...component.namedParameters().keys()];
    if (name !== "MemoryNetwork") expect(component.parameters().length).toBe(paths.length);
    expect(paths.filter((path) => path.startsWith("options"))).toEqual([]);
    expect(String(component).split("\n")[0]).toMatch(new RegExp(`^${name} \\(`));
  });

  it("refuses options that it does not have, and no options", () => {
    expect(() => new Build({ ...examples[name], bogus: 1 } as never)).toThrow(new RegExp(`^${name} got the option "bogus", which it does not have`));
    expect(() => new Build(undefined as never)).toThrow(new RegExp(`^${name} takes one object with the options .*, but got undefined`));
  });
});
