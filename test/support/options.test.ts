/** What JavaScript lets pass is refused: the walk goes over every public function, as the declarations of the entries have them. */

import path from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import { entries, root } from "../../scripts/package.js";
import {
  Adam, add, cost, FlimsyError, input, matmul, mean, operation, parameter, pow, randn, softmax, sum, tanh, ValueError, Variable, zeros,
} from "../../src/index.ts";
import { GatedRecurrent, SimpleRecurrent, SoftmaxRegression, StackRnn } from "../../src/components/index.ts";
import { isPlainObject } from "../../src/support/arrays.ts";
import { checkArguments, checkOptions } from "../../src/support/options.ts";

type Call = (...args: unknown[]) => unknown;
/** A public function: how many arguments it takes, and where among them its options are. */
interface Public {
  readonly name: string;
  readonly call: Call;
  /** Infinity for one that takes any number. */
  readonly most: number;
  readonly options: { readonly index: number; readonly names: readonly string[] } | null;
}

/** Others call these, with arguments of their own: errors are made like any Error, and `JSON.stringify` gives a key. */
const conventional = (owner: unknown, name: string): boolean =>
  (typeof owner === "function" && owner.prototype instanceof Error) || ["toJSON", "toString"].includes(name);

const modules = Object.fromEntries(await Promise.all(entries.map(async ({ source }) => [source, await import(path.join(root, source))])));
let functions: Public[] = [];

beforeAll(() => {
  const config = ts.parseJsonConfigFileContent(ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile).config, ts.sys, root);
  const program = ts.createProgram(entries.map(({ source }) => path.join(root, source)), config.options);
  const checker = program.getTypeChecker();

  const isInternal = (symbol: ts.Symbol): boolean => symbol.getJsDocTags(checker).some(({ name }) => name === "internal");
  const isHidden = (symbol: ts.Symbol): boolean =>
    isInternal(symbol) ||
      (symbol.declarations ?? []).some((node) => (ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0);

  function describeCall(name: string, call: Call, signatures: readonly ts.Signature[]): Public {
    let most = 0;
    let options: Public["options"] = null;
    for (const { parameters } of signatures) {
      parameters.forEach((parameter, index) => {
        const declaration = parameter.valueDeclaration as ts.ParameterDeclaration;
        const type = checker.getTypeOfSymbol(parameter);
        const isRest = declaration !== undefined && ts.isParameter(declaration) && declaration.dotDotDotToken !== undefined;
        if (isRest) most = checker.isTupleType(type) ? Math.max(most, index + checker.getTypeArguments(type as ts.TypeReference).length) : Infinity;
        else most = Math.max(most, index + 1);
        const isOptions =
          ["options", "settings", "definition"].includes(parameter.name) || (declaration?.name !== undefined && ts.isObjectBindingPattern(declaration.name));
        if (isOptions) {
          const names = checker.getPropertiesOfType(checker.getNonNullableType(type)).map((property) => property.name);
          options = { index, names: [...new Set([...(options?.names ?? []), ...names])] };
        }
      });
    }
    return { name, call, most, options };
  }

  function walk(module: ts.Symbol, values: Record<string, unknown>, found: Map<unknown, Public>): void {
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const value = values[exported.name];
      if (value === undefined || found.has(value)) continue; // a type, or met in another entry
      if (symbol.flags & ts.SymbolFlags.ValueModule) walk(symbol, value as Record<string, unknown>, found);
      if (typeof value !== "function") continue;
      const type = checker.getTypeOfSymbol(symbol);
      if (symbol.flags & ts.SymbolFlags.Class) {
        if (conventional(value, "")) continue;
        const isAbstract = symbol.declarations?.some((node) => ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.Abstract);
        const made = checker.getSignaturesOfType(type, ts.SignatureKind.Construct);
        const isOwn =
          made.every(({ declaration }) => declaration === undefined || !ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === "internal"));
        if (!isAbstract && isOwn) found.set(value, describeCall(exported.name, (...args) => Reflect.construct(value, args), made));
        for (const member of checker.getPropertiesOfType(type)) {
          const f = Object.getOwnPropertyDescriptor(value, member.name)?.value;
          if (typeof f !== "function" || member.name === "prototype" || isHidden(member)) continue;
          found.set(
            f,
            describeCall(`${exported.name}.${member.name}`, f.bind(value), checker.getSignaturesOfType(checker.getTypeOfSymbol(member), ts.SignatureKind.Call)),
          );
        }
        const isVariable = value === Variable || value.prototype instanceof Variable;
        // Others are not made: that arguments are counted comes first of all, whatever the object is.
        const object = value === Variable ? zeros([2]) : isVariable ? parameter([1, 2]) : Object.create(value.prototype);
        for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
          if (!(member.flags & ts.SymbolFlags.Method) && !isVariable) continue;
          const f = (object as Record<string, unknown>)[member.name];
          if (typeof f !== "function" || member.name.startsWith("__") || isHidden(member) || conventional(value, member.name)) continue;
          const method = describeCall(
            `${exported.name}.${member.name}`, f.bind(object), checker.getSignaturesOfType(checker.getTypeOfSymbol(member), ts.SignatureKind.Call),
          );
          found.set(`${exported.name} ${member.name}`, isVariable ? method : { ...method, options: null }); // they hand options over to functions
        }
      } else found.set(value, describeCall(exported.name, value as Call, checker.getSignaturesOfType(type, ts.SignatureKind.Call)));
    }
  }

  const found = new Map<unknown, Public>();
  for (const { source } of entries) {
    const file = program.getSourceFile(path.join(root, source)) as ts.SourceFile;
    walk(checker.getSymbolAtLocation(file) as ts.Symbol, modules[source], found);
  }
  functions = [...found.values()];
}, 120_000);

/** What a call that must fail says. */
async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof FlimsyError ? error.message : `not a FlimsyError: ${String(error)}`;
  }
  return "nothing";
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

describe("every public function", () => {
  it("is met by the walk", () => {
    const names = functions.map(({ name }) => name);
    for (const name of [
      "add", "where", "sum", "mse", "cosine", "Adam", "Lstm", "ZScore.fit", "Variable.item", "Parameter.assign", "fit", "save", "AddTask", "beamSearch",
      "glorot",
      "Lstm.step", "SoftmaxRegression.cost", "Adam.update", "Random.normal", "AddTask.sample", "ZScore.apply",
    ]) {
      expect(names).toContain(name);
    }
    // These take any number of arguments.
    expect([...new Set(functions.filter(({ most }) => most === Infinity).map(({ name }) => name))].sort())
      .toEqual(["Parameter.slice", "State.slice", "Variable.slice", "slice"]);
  });

  it("refuses an argument too many", async () => {
    const silent: string[] = [];
    for (const { name, call, most } of functions) {
      if (most === Infinity) continue;
      const nothing = name.includes(".") ? null : undefined; // undefined asks a method for defaults, of an object that is not made
      const message = await refusal(() => call(...new Array(most).fill(nothing), null));
      const isRefused = message.startsWith(`${lastPart(name)} was called on a Variable`); // it is for parameters, whatever it gets
      if (!isRefused && !message.includes(`${lastPart(name)} got an argument too many`)) silent.push(`${name}: ${message}`);
    }
    expect(silent).toEqual([]);
  });

  it("takes as many arguments as its declaration has", async () => {
    const refused: string[] = [];
    for (const { name, call, most } of functions) {
      if (most === Infinity) continue;
      const message = await refusal(() => call(...new Array(most).fill(undefined)));
      if (message.includes("too many")) refused.push(`${name}: ${message}`);
    }
    expect(refused).toEqual([]);
  });

  it("refuses an option that it does not have, and knows those that its declaration has", async () => {
    const wrong: string[] = [];
    for (const { name, call, options } of functions) {
      if (options === null) continue;
      const given = (value: unknown): Promise<string> => refusal(() => call(...new Array(options.index).fill(undefined), value));
      const message = await given({ qqqq: 1 });
      if (!message.includes(`${lastPart(name)} got the option "qqqq", which it does not have`)) wrong.push(`${name}: ${message}`);
      for (const strange of [null, 1, "options", [1], new Map(), new Date()]) {
        const refused = await given(strange);
        if (!refused.includes(`${lastPart(name)} takes one object with the options`)) wrong.push(`${name} with ${String(strange)}: ${refused}`);
      }
      for (const known of options.names) {
        const refused = await given({ [known]: undefined });
        if (refused.includes("which it does not have")) wrong.push(`${name}: ${refused}`);
      }
    }
    expect(functions.filter(({ options }) => options !== null).length).toBeGreaterThan(60);
    expect(wrong).toEqual([]);
  });
});

describe("callbacks", () => {
  const xs = [input([1, 2]), input([3, 4]), input([5, 6])];

  it("work where map and reduce pass an index and the array besides", () => {
    expect(xs.reduce(add).toArray()).toEqual([9, 12]);
    expect(xs.reduceRight(add).toArray()).toEqual([9, 12]);
    expect([[2], [3]].map(zeros as (shape: number[]) => Variable).map(({ size }) => size)).toEqual([2, 3]);
    expect(xs.map(tanh).map((y) => y.shape)).toEqual([[2], [2], [2]]);
    expect([input([[1, 2], [3, 4]]), input([[0, 1], [1, 0]])].reduce(matmul).toArray()).toEqual([[2, 1], [4, 3]]);
  });

  it.each([["sum", sum], ["mean", mean], ["softmax", softmax], ["pow", pow]])("refuse what would take the index for an argument: map(%s)", (name, f) => {
    expect(() => xs.map(f as never)).toThrow(`write (x) => ${name}(x)`);
  });

  it("do not excuse another array", () => {
    expect(() => (add as Call)(xs[0], xs[1], 0, [xs[2]])).toThrow("add got an argument too many");
    expect(() => (tanh as Call)(xs[0], 1, [xs[0]])).toThrow("tanh got an argument too many");
  });
});

describe("methods", () => {
  const x = input([[1, 2, 3]]);

  it("refuse what they would not read", () => {
    const optimizer: { update: Call } = new Adam(parameter([1])) as never;
    expect(() => optimizer.update(0.1)).toThrow("update got an argument too many, 0.1.");
    const model: { score: Call } = new SoftmaxRegression({ inputs: 3, outputs: 2 }) as never;
    expect(() => model.score(x, [1])).toThrow("score got an argument too many, an array of 1.");
  });

  it("of a recurrent component take no cell beside the state", () => {
    for (const rnn of [
      new SimpleRecurrent({ inputs: 3, outputs: 2 }), new GatedRecurrent({ inputs: 3, outputs: 2 }), new StackRnn({ inputs: 3, outputs: 2 }),
    ]) {
      expect(() => rnn.step(x, rnn.initialState() as never, zeros([2]) as never))
        .toThrow(`${rnn.constructor.name} takes a finite number as scale, but got a Variable [2].`);
    }
  });
});

describe("checkArguments", () => {
  it("says that sizes and axes are one list", () => {
    const x = zeros([2, 3]) as unknown as Record<string, Call>;
    for (const call of [() => (zeros as Call)(2, 3), () => x.reshape(3, 2), () => x.permute(1, 0)]) {
      expect(call).toThrow("A shape, or several axes, are one list: [2, 3].");
    }
    expect(() => (randn as Call)(2, 3)).toThrow("randn takes a shape such as [2, 3], but got 2.");
    for (const reduce of ["sum", "mean", "max"]) expect(() => x[reduce](0, 1)).toThrow("Several axes are one list, [0, 1]");
    expect(() => (tanh as Call)(zeros([2]), 1)).toThrow(/too many, 1\. Leave/);
  });

  it("names the function and the argument", () => {
    expect(() => (add as Call)(1, 2, 3)).toThrow("add got an argument too many, 3.");
    expect(() => (zeros([2]).add as Call)(1, input(1))).toThrow("add got an argument too many, a Variable [].");
    expect(() => checkArguments("f", { length: 1, 0: "x" }, 0)).toThrow(ValueError);
  });
});

describe("checkOptions", () => {
  const mse = (options: object) => () => cost.mse(zeros([2]), [1, 2], options as never);

  it.each([
    [{ reducton: "mean" }, "reduction"], [{ reduction_: "mean" }, "reduction"], [{ Reduction: "mean" }, "reduction"], [{ redutcion: "mean" }, "reduction"],
    [{ weights: 1 }, "weight"], [{ masks: 1 }, "mask"],
  ])("proposes the likely name for %j", (options, name) => {
    expect(mse(options)).toThrow(`which it does not have. Did you mean ${name}? Its options are weight, mask, reduction.`);
  });

  it("proposes nothing where nothing is near", () => {
    expect(mse({ average: true })).toThrow('mse got the option "average", which it does not have. Its options are weight, mask, reduction.');
    expect(() => operation({ name: "f", shape: () => [], forward: () => {}, revers: () => [] } as never)).toThrow("Did you mean reverse?");
  });

  it("takes objects without a prototype, and returns what it got", () => {
    const options = Object.assign(Object.create(null), { a: 1 }) as { a: number };
    expect(checkOptions("f", options, ["a"])).toBe(options);
    expect([{}, options].map(isPlainObject)).toEqual([true, true]);
    expect([null, undefined, 1, "x", [], () => 1, new Map(), new (class A {})(), Object.create({ a: 1 })].map(isPlainObject)).toEqual(new Array(9).fill(false));
  });
});
