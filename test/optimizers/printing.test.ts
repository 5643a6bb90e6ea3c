/** Optimizers and what belongs to them say what they are. */

import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Adam, GradientDescent, GradientNoise, parameter, Random, RmsProp, schedule } from "../../src/index.ts";

const p = parameter([1]);

it("optimizers show their numbers, also within objects", () => {
  expect(String(new RmsProp(p, { learningRate: 0.01 }))).toBe("RmsProp(learningRate=0.01, decay=0.9)");
  expect(inspect({ optimizer: [new GradientDescent(p, { learningRate: 1, clip: { norm: 5 } })] }))
    .toBe('{ optimizer: [ GradientDescent(learningRate=1, clip={"norm":5}) ] }');
  expect(inspect(new Adam(p))).toBe("Adam(learningRate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)");
  expect(String(new RmsProp([{ parameters: p, decay: 0.5 }], { learningRate: 1 }))).toBe("RmsProp(learningRate=1, decay=0.5)");
  expect(String(new RmsProp([{ parameters: p }, { parameters: parameter([2]) }], { learningRate: 1 }))).toBe("RmsProp(learningRate=1, groups=2)");
  const optimizer = new RmsProp(p, { learningRate: 1 });
  optimizer.learningRate = 0.5;
  expect(String(optimizer)).toContain("learningRate=0.5");
});

it("noise, generators and schedules do so too", () => {
  const noise = new GradientNoise({ eta: 0.01, random: new Random(3) });
  expect(inspect(noise)).toBe("GradientNoise(eta=0.01, gamma=0.55, random=Random(seed=3, counter=0))");
  expect(inspect([noise.random])).toBe("[ Random(seed=3, counter=0) ]");
  expect(inspect(new GradientNoise({ eta: 1 }))).toBe("GradientNoise(eta=1, gamma=0.55)");
  const rate = schedule.warmUp(10, schedule.sequence(schedule.constant(1), 5, schedule.step(0.5, { every: 2 })));
  expect(inspect(rate)).toBe('schedule.warmUp(10, schedule.sequence(schedule.constant(1), 5, schedule.step(0.5, {"every":2,"factor":0.1})))');
  expect(String(new GradientDescent(p, { learningRate: schedule.cosine(1, { steps: 9 }), noise })))
    .toBe('GradientDescent(learningRate=schedule.cosine(1, {"steps":9,"minimum":0}), noise=GradientNoise(eta=0.01, gamma=0.55, ' +
      'random=Random(seed=3, counter=0)))');
});
