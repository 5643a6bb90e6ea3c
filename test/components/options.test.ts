/** Every component can be built again from its options, which JSON can hold: what saving and restoring rests on. */

import { describe, expect, it } from "vitest";
import { Component, Random } from "../../src/index.ts";
import { libraryComponents } from "../../src/io/registry.ts";
import { type Build, randomOptions } from "./random-options.ts";

const concrete = Object.entries(libraryComponents) as unknown as [string, Build][];

/** As a saver would: parts that are components are saved by themselves. */
const plain = (options: object): unknown =>
  JSON.parse(JSON.stringify(options, (_, value) =>
    (value instanceof Component ? { component: value.constructor.name, options: plain((value as never as { options: object }).options) } : value)));

/** One number that stands for two is a list of them afterwards. */
const listed = (options: unknown): object => Object.fromEntries(Object.entries(options as object).map(([name, value]) =>
  [name, ["size", "stride", "padding"].includes(name) && typeof value === "number" ? [value, value] : value]));

const shapes = (component: Component): string[] => [...component.namedParameters()].map(([name, p]) => `${name} [${p.shape}]`);

describe.each(concrete)("%s", (name, Build) => {
  const random = new Random(7);
  const component = new Build(randomOptions(Build, random) as never);

  it.each([1, 2, 3, 4, 5])("is built again from its options (%#)", () => {
    const given = randomOptions(Build, random);
    const component = new Build(given as never);
    const { options } = component;
    const again = new Build(options as never);
    expect(shapes(again)).toEqual(shapes(component));
    expect(plain(again.options)).toEqual(plain(options));
    // Nothing that was given is lost, and besides components nothing is there that JSON could not hold.
    expect(listed(plain(options))).toMatchObject(listed(plain(given)));
    if (!Object.values(options).flat().some((part) => part instanceof Component)) expect(plain(options)).toEqual(options);
  });

  it("names its parameters by field, each once", () => {
    const paths = [...component.namedParameters().keys()];
    if (name !== "MemoryNetwork") expect(component.parameters().length).toBe(paths.length);
    expect(paths.filter((path) => path.startsWith("options"))).toEqual([]);
    expect(String(component).split("\n")[0]).toMatch(new RegExp(`^${name} \\(`));
  });

  it("refuses options that it does not have, and no options", () => {
    expect(() => new Build({ ...component.options, bogus: 1 } as never)).toThrow(new RegExp(`^${name} got the option "bogus", which it does not have`));
    expect(() => new Build(undefined as never)).toThrow(new RegExp(`^${name} takes one object with the options .*, but got undefined`));
  });
});
