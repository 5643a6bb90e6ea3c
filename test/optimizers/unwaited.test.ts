/** Every optimizer on a device that cannot be waited for: the steps of the reference device, and nothing of one that fails. */

import { describe, expect, it } from "vitest";
import {
  Adam, evaluate, gather, GradientNoise, grad, input, mul, type Optimizer, type OptimizerOptions, parameter, Random, ready, schedule, state, ValueError,
  type Variable,
} from "../../src/index.ts";
import { errorOf, onBoth, unwaited } from "../devices/unwaited.ts";
import { optimizers } from "./exported.ts";

const options: [name: string, make: () => Partial<OptimizerOptions>][] = [
  ["a schedule", () => ({ learningRate: schedule.cosine(0.1, { steps: 9 }) })],
  ["a plateau and a bound on each entry", () => ({ learningRate: schedule.plateau(0.1, { patience: 1 }), clip: { value: 0.5 } })],
  ["a bound on the norm and noise", () => ({ learningRate: 0.1, clip: { norm: 1 }, noise: new GradientNoise({ eta: 0.1, random: new Random(3) }) })],
];
const all = optimizers.flatMap(([name, Kind]) => options.map(([what, make]) => [`${name} with ${what}`, Kind, make] as const));

/** A table of which a step looks up rows, and a bias. */
function trained() {
  const [table, bias] = [parameter([[1, -2], [3, 0.5], [-1, 2]]), parameter([0.25, 0])];
  const seen = state(0);
  const loss = (rows: readonly number[]): Variable => {
    seen.assign(seen.add(1));
    // What is computed is known to be out of range when it is used.
    const found = gather(table, input(rows).mul(1)).add(bias);
    return mul(found, found).sum();
  };
  return { table, bias, seen, loss };
}

/** All that an optimizer and what it trains are. */
async function everything(optimizer: Optimizer, more: readonly Variable[]): Promise<unknown> {
  const { parameters, ...others } = await ready(optimizer.snapshot());
  await ready([more, optimizer.parameters, optimizer.parameters.map(({ grad }) => grad)]);
  return {
    ...others, rates: [optimizer.learningRate, ...optimizer.groups.map(({ learningRate }) => learningRate)],
    parameters: parameters.map(({ count, slots }) => [count, ...Object.entries(slots).map(([name, slot]) => [name, slot.toArray()])]),
    values: [...optimizer.parameters, ...more].map((each) => [each.toArray(), each.grad?.toArray()]),
  };
}

describe("on a device that cannot be waited for", () => {
  const device = unwaited();

  it.each(all)("%s makes the steps of the reference device", async (_, Kind, make) => {
    await onBoth(async () => {
      const { table, bias, seen, loss } = trained();
      const optimizer = new Kind([{ parameters: table }, { parameters: bias, learningRate: 0.02 }], make());
      for (let step = 0; step < 5; step++) {
        if (step % 2 === 0) {
          grad(() => loss([step % 3, 1]));
          optimizer.update();
        } else optimizer.minimize(() => loss([2, step % 3]));
      }
      return everything(optimizer, [seen]);
    }, device);
  });

  it.each(all)("%s is where it was after an index out of range that is known later", async (_, Kind, make) => {
    const found = await onBoth(async () => {
      const { table, bias, seen, loss } = trained();
      const optimizer = new Kind([{ parameters: table }, { parameters: bias, learningRate: 0.02 }], make());
      const step = (rows: readonly number[]) => {
        grad(() => loss(rows));
        optimizer.update();
      };
      step([1, 2]);
      grad(() => loss([0])); // a gradient that waits for the next update
      const before = await everything(optimizer, [seen]);
      /** Where errors are known at once, the step that fails ends the program. */
      const fails = async (program: () => Variable): Promise<void> => {
        expect(await errorOf(Promise.resolve().then(program).then((x) => x.read()))).toBeInstanceOf(ValueError);
      };
      for (const failing of [() => grad(() => loss([1, 7])), () => optimizer.minimize(() => loss([1, 7]))]) {
        await fails(() => {
          const result = failing();
          // These follow something that fails.
          step([0, 1]);
          optimizer.minimize(() => loss([1]));
          return result;
        });
        const after = await everything(optimizer, [seen]);
        // What noise has been drawn is gone.
        expect({ ...after as object, random: null }).toEqual({ ...before as object, random: null });
      }
      return before;
    }, device);
    expect(found).toHaveProperty("step", 1);
  });

  it("snapshots stay on the device, are restored there, and are told apart from what follows", async () => {
    await onBoth(async () => {
      const { table, bias, seen, loss } = trained();
      const optimizer = new Adam([table, bias], { learningRate: 0.1 });
      optimizer.minimize(() => loss([0, 1]));
      const [saved, values] = [optimizer.snapshot(), input(table)];
      const before = await everything(optimizer, [seen]);
      optimizer.minimize(() => loss([2]));
      optimizer.restore(saved);
      table.assign(values);
      const { slots } = (await ready(saved)).parameters[0];
      expect(Object.keys(slots)).toEqual(["firstMoment", "rootSecondMoment"]);
      return [slots.firstMoment.toArray(), await everything(optimizer, []), before];
    }, device);
  });

  it("gradients that wait for the next update are as before, where minimize follows something that fails", async () => {
    unwaited();
    const { table, bias, loss } = trained();
    const optimizer = new Adam([table, bias], { learningRate: 0.1 });
    grad(() => loss([0]));
    const before = await everything(optimizer, []);
    const failed = evaluate(() => loss([5]));
    const after = optimizer.minimize(() => loss([1]));
    expect(await errorOf(after.read())).toBeInstanceOf(ValueError);
    expect(await everything(optimizer, [])).toEqual(before);
    expect(await errorOf(failed.read())).toBe(await errorOf(after.read()));
  });

  it("a snapshot of what a step that fails should have made cannot be read", async () => {
    unwaited();
    const { table, bias, loss } = trained();
    const optimizer = new Adam([table, bias], { learningRate: 0.1 });
    optimizer.minimize(() => loss([0, 1]));
    await ready(optimizer.snapshot());
    optimizer.minimize(() => loss([5]));
    const saved = optimizer.snapshot();
    const copy = input(table);
    expect(await errorOf(ready(saved))).toBeInstanceOf(ValueError);
    expect(() => saved.parameters[0].slots.firstMoment.toArray()).toThrow(ValueError);
    expect(await errorOf(copy.read())).toBeInstanceOf(ValueError);
    expect(optimizer.step).toBe(1);
  });
});
