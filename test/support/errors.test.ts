import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import * as flimsy from "../../src/index.ts";
import {
  add, cost, DeviceError, debug, dropout, evaluate, FlimsyError, full, grad, gradients, input, matmul, mul, NanError, operation, parameter, ShapeError,
  StaleVariableError, softmax, sum, UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { told } from "../device.ts";

/** Where the stack of what `f` throws begins, and the line of this file that calls `f` here. */
function firstFrame(f: () => unknown): string {
  try {
    told(f);
  } catch (error) {
    expect(error).toBeInstanceOf(FlimsyError);
    const lines = ((error as Error).stack ?? "").split("\n");
    const at = lines.findIndex((line) => /^\s+at |@/.test(line));
    expect(lines.slice(0, at).join("\n")).toBe(`${(error as Error).name}: ${(error as Error).message}`);
    return lines[at];
  }
  throw new Error("no error");
}

const w = parameter([1, 2, 3]);
const wrongRule = operation({ name: "wrong", shape: (x) => x, forward() {}, reverse: () => [input([1])] });

const failures: [string, () => unknown][] = [
  ["an operation", () => matmul(input([[1, 2]]), input([[1, 2]]))],
  ["a method", () => input([1, 2]).add(input([1, 2, 3]))],
  ["an operation in a step", () => grad(() => sum(add(w, input([1, 2]))))],
  ["an operation that is made of others", () => softmax([input([1, 2]), input([1])])],
  ["a list of operands", () => flimsy.stack([input([1]), input([1, 2])])],
  ["input", () => input([[1], [1, 2]])],
  ["input of deep arrays", () => input([[[[[[1], [1, 2]]]]]])],
  ["a wrong label", () => cost.categoricalCrossEntropyWithScores(input([[1, 2]]), [5])],
  ["a label that the step computes", () => evaluate(() => cost.categoricalCrossEntropyWithScores(input([[1, 2]]), add(input([5]), 0)))],
  ["a nested step", () => grad(() => { grad(() => sum(w)); return sum(w); })],
  ["a loss of several elements", () => grad(() => w)],
  ["a loss without parameters", () => grad(() => sum(input([1])))],
  ["a rule that is wrong", () => grad(() => sum(wrongRule(w)))],
  ["gradients", () => gradients(() => w, [w])],
  ["dropout", () => dropout(w, 1)],
  ["item", () => w.item()],
  ["assign", () => w.assign([1])],
  ["assign to a state", () => evaluate(() => flimsy.state([1, 2]).assign([1]))],
  ["a Variable in arithmetic", () => (w as unknown as number) * 2],
  ["an optimizer", () => new flimsy.GradientDescent([w], { learningRate: NaN })],
  ["full", () => full([-1], 0)],
  ["setDevice", () => flimsy.setDevice("gpu" as "wasm")],
];

describe("the stack of an error", () => {
  it.each(failures)("begins in the user's file: %s", (_, f) => {
    expect(firstFrame(f)).toMatch(/errors\.test\.ts:\d+:\d+/);
  });

  it("is what a program of the user makes of it, whose stacks may be no text", () => {
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (_, frames) => frames;
    try {
      expect(() => input([1, 2]).add(input([1, 2, 3]))).toThrow(ShapeError);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
  });

  it("begins at the line itself", () => {
    const here = Number(/errors\.test\.ts:(\d+)/.exec(new Error().stack ?? "")?.[1]);
    const frame = firstFrame(() => {
      const a = input([1, 2]);
      return a.mul(2).exp().add(input([1, 2, 3]));
    });
    expect(frame).toContain(`errors.test.ts:${here + 3}:`);
  });

  it("begins at the innermost function of the user", () => {
    const layer = (x: Variable): Variable => matmul(x, input([[1, 2, 3]]));
    const frame = firstFrame(() => grad(() => sum(layer(w))));
    expect(frame).toContain("layer");
  });

  it("is found below many frames of the library", () => {
    const nested = (depth: number): number => (depth === 0 ? input([[1], [1, 2]]).size : nested(depth - 1));
    expect(firstFrame(() => nested(30))).toContain("nested");
    const limit = Error.stackTraceLimit;
    try {
      Error.stackTraceLimit = 3;
      try {
        nested(30);
      } catch (error) {
        const frames = ((error as Error).stack ?? "").split("\n").slice(1);
        expect(frames).toHaveLength(3);
        expect(frames[0]).toContain("errors.test.ts");
      }
      expect(Error.stackTraceLimit).toBe(3);
      Error.stackTraceLimit = 0;
      expect(() => input([[1], [1, 2]])).toThrow(ShapeError);
    } finally {
      Error.stackTraceLimit = limit;
    }
  });

  it("keeps what the user's own code throws as it is", () => {
    const error = new RangeError("mine");
    const stack = error.stack;
    const caught = ((): unknown => {
      try {
        grad(() => { throw error; });
      } catch (e) { return e; }
      return null;
    })();
    expect(caught).toBe(error);
    expect(error.stack).toBe(stack);
  });

  const folder = mkdtempSync(join(tmpdir(), "scratch-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("begins in a file anywhere, also in one that is called like a part of the library", async () => {
    for (const name of ["train.mjs", "recorder.mjs", "a folder's — model.mjs"]) {
      const file = join(folder, name);
      writeFileSync(file, [
        "export const failing = ({ input, matmul, grad, parameter, sum, debug, log }) => [",
        "  () => matmul(input([[1, 2]]), input([[1, 2]])),",
        "  () => grad(() => sum(parameter([1]).add(input([1, 2, 3]).reshape([2])))),",
        "];",
        "export const notANumber = ({ evaluate, input, log }) => evaluate(() => {",
        "  const x = input([-1]).mul(1);",
        "  return log(x);",
        "});",
      ].join("\n"));
      const { failing, notANumber } = await import(/* @vite-ignore */ pathToFileURL(file).href);
      (failing(flimsy) as (() => unknown)[]).forEach((f, i) => {
        const frame = firstFrame(f);
        expect(frame).toMatch(new RegExp(`\\.mjs:${i + 2}:\\d+`));
        expect(decodeURIComponent(frame)).toContain(name);
      });
      debug({ checkNumerics: true });
      try {
        expect(() => notANumber(flimsy)).toThrow(NanError);
        const message = ((): string => {
          try { told(() => notANumber(flimsy)); } catch (error) { return decodeURIComponent((error as Error).message); }
          return "";
        })();
        expect(message).toContain(`${name}:7:`);
      } finally {
        debug({ checkNumerics: false });
      }
    }
  });
});

describe("the classes of errors", () => {
  it("are all FlimsyErrors and Errors, with their own names", () => {
    for (const [name, kind] of Object.entries({ ...flimsy })) {
      if (!name.endsWith("Error")) continue;
      const options = { cause: 1 };
      const error = kind === DeviceError ? new DeviceError("what happened", "lost", options) : new (kind as typeof FlimsyError)("what happened", options);
      expect(error).toBeInstanceOf(FlimsyError);
      expect(error).toBeInstanceOf(Error);
      expect([error.name, error.message, error.cause, String(error)]).toEqual([name, "what happened", 1, `${name}: what happened`]);
    }
  });

  it.each<[string, () => unknown, typeof FlimsyError]>([
    ["shapes", () => add(input([1, 2]), input([1, 2, 3])), ShapeError],
    ["values", () => cost.categoricalCrossEntropyWithScores(input([1, 2]), 2), ValueError],
    ["usage", () => grad(() => sum(input([1]))), UsageError],
    [
      "what is gone", () => { let x: Variable | null = null; evaluate(() => { x = mul(input(1), 2); }); return (x as unknown as Variable).item(); },
      StaleVariableError,
    ],
  ])("tell %s apart", (_, f, kind) => { expect(f).toThrow(kind); });

  it("say shapes, the rule that was broken, and what to do", () => {
    expect(() => add(input([1, 2]), input([1, 2, 3]))).toThrow(
      "add got shapes [2] and [3], which do not broadcast: counted from the right, axes must be equal or one of them 1. " +
        "Reshape, transpose or slice one of the operands.",
    );
  });
});
