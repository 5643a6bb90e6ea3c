/** Arguments that make no sense: every operation refuses them with an error of Flimsy's own, and the next use works. */

import { expect, it } from "vitest";
import * as flimsy from "../../src/index.ts";
import { FlimsyError, Variable } from "../../src/index.ts";
import { forAll, on, reference, tensorsIn, withVariables } from "./harness.ts";
import { asInput, specifications } from "./specifications.ts";

const nonsense: readonly unknown[] = [
  undefined, null, "x", "", true, NaN, Infinity, -1, 1.5, {}, [], [1, 2], [[1], [2, 3]], [undefined], ["1"], () => 1, Symbol("s"), 10n,
  { shape: [2] }, { length: 1 }, new Float32Array(2), new Map(), Promise.resolve(1),
];

const exported = Object.entries(specifications).filter(([name]) => Object.hasOwn(flimsy, name) && name !== "dropout");

it.each(exported)("%s refuses what it cannot work with", (name, specification) => {
  const f = (flimsy as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
  forAll(3, 24, (draw) => {
    const args = specification.draw(draw);
    on(reference, () => {
      const good = (): unknown[] => withVariables(args, new Map(tensorsIn(args).map((tensor) => [tensor, asInput(tensor)])));
      const before = flatten(f(...good()));
      for (let k = 0; k < args.length; k++) {
        for (const wrong of nonsense) {
          let result: unknown;
          try {
            result = f(...good().with(k, wrong));
          } catch (error) {
            if (error instanceof FlimsyError) continue;
            const shown = typeof wrong === "object" ? JSON.stringify(wrong) : String(wrong);
            throw new Error(`${name} with ${shown} as argument ${k} of ${args.length}`, { cause: error });
          }
          // It made sense after all: then it is a result like any other.
          for (const variable of [result].flat()) {
            expect(variable).toBeInstanceOf(Variable);
            (variable as Variable).toArray();
          }
        }
      }
      expect(flatten(f(...good()))).toEqual(before);
    });
  });
});

const flatten = (result: unknown): unknown => [result].flat().map((variable) => (variable as Variable).toArray());
