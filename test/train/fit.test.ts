import { describe, expect, it, vi } from "vitest";
import { minibatches } from "../../src/data/index.ts";
import { Patience } from "../../src/extras/index.ts";
import {
  Adam, Component, debug, GradientDescent, grad, input, NanError, parameter, Random, seed, ShapeError, UsageError, ValueError, Variable,
} from "../../src/index.ts";
import { DivergenceError, type EpochEvent, type EpochRecord, type FitOptions, fit, type StepEvent, TrainingError } from "../../src/train/index.ts";
import { begin, beginStream, failure, folders, samples, values } from "./helpers.ts";

const folder = folders();

class Scalar extends Component {
  readonly w;
  constructor(value: number) { super(); this.w = parameter(value); }
}

/** A model whose loss in each step is the batch itself, whatever its parameter is. */
function told() {
  const θ = new Scalar(1);
  return { θ, optimizer: new GradientDescent(θ, { learningRate: 0.1 }), cost: (loss: number) => θ.w.mul(0).add(loss), progress: "none" as const };
}

describe("fit", () => {
  it.each([["a table", begin], ["a stream", beginStream]])("gives the numbers of the plain loop, to the bit, with %s", async (_, start) => {
    const plain = start() as ReturnType<typeof begin>;
    const losses: number[] = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      for await (const batch of plain.data()) {
        losses.push(grad(() => plain.cost(batch)).item());
        plain.optimizer.update();
      }
    }
    const { θ, ...options } = start() as ReturnType<typeof begin>;
    const seen: number[] = [];
    const history = await fit(θ, { ...options, epochs: 3, onStep: ({ loss }) => { seen.push(loss); } });
    expect(seen).toEqual(losses);
    expect(values(θ)).toEqual(values(plain.θ));
    expect(history.curve).toEqual({ every: 1, step: losses.map((_, i) => i + 1), loss: losses });
    // 100 samples: six batches of 16, and one of 4.
    expect(history.epochs.map(({ loss }) => loss))
      .toEqual([0, 7, 14].map((i) => losses.slice(i, i + 7).reduce((sum, each, j) => sum + (j < 6 ? 16 : 4) * each, 0) / 100));
    expect(losses).toHaveLength(21);
  });

  describe("means have weights:", () => {
    const table = { x: Float32Array.from({ length: 101 }, (_, i) => (i === 100 ? 0 : 1)) };
    const share = ({ x }: { x: ArrayLike<number> }) => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
    const { θ, optimizer, progress } = told();
    const run = async (more: object) => {
      const cost = (batch: never) => ({ loss: θ.w.mul(0).add(1), accuracy: share(batch) });
      const { epochs: [epoch] } = await fit(θ, { optimizer, progress, cost, epochs: 1, data: minibatches(table, 100), ...more } as never);
      return epoch;
    };

    it("samples, of training and of validation, as minibatches count them or as samples says", async () => {
      expect((await run({})).metrics.accuracy).toBe(100 / 101);
      const validate = { data: minibatches(table, 100), cost: (batch: never) => ({ accuracy: share(batch) }) };
      expect((await run({ validate })).validation).toEqual({ accuracy: 100 / 101 });
      const lists = [[...table.x.slice(0, 100)], [0]].map((x) => ({ x })); // of which nobody knows how many samples they have
      expect((await run({ data: lists })).metrics.accuracy).toBe(1 / 2);
      const samples = ({ x }: { x: number[] }) => x.length;
      const told = await run({ data: lists, samples, validate: { ...validate, data: lists } });
      expect([told.metrics.accuracy, told.validation, told.samples]).toEqual([100 / 101, { accuracy: 100 / 101 }, 101]);
    });

    it("what the cost says, which is no number of its own then", async () => {
      const cost = (batch: number[]) => ({ accuracy: batch[0] / batch[1], weight: batch[1] });
      const { validation } = await run({ validate: { data: [[1, 2], [30, 30], [0, 0]], cost } });
      expect(validation).toEqual({ accuracy: 31 / 32 }); // 0 of 0 at the weight 0 does not count
      expect((await run(
        { cost: (batch: { x: ArrayLike<number> }) => ({ loss: θ.w.mul(0), accuracy: share(batch), weight: batch.x.length === 1 ? 300 : 100 }) },
      )).metrics).toEqual({ accuracy: 1 / 4 });
    });

    it("sums have the weight 1", async () => {
      const { validation } = await run(
        { validate: { data: minibatches(table, 100), cost: (batch: { x: ArrayLike<number> }) => ({ right: share(batch) * batch.x.length, weight: 1 }) } },
      );
      expect(validation).toEqual({ right: 50 });
    });

    it("and are numbers of at least 0", async () => {
      for (const weight of [-1, NaN, Infinity, "2"]) {
        expect((await failure(run({ validate: { data: [1], cost: () => ({ accuracy: 1, weight }) } }))).message).toMatch(/weight/);
        expect((await failure(run({ samples: () => weight }))).message).toContain("samples must return a finite number of at least 0");
      }
      expect((await failure(run({ validate: { data: [1], cost: () => ({ weight: 1 }) } }))).message).toContain("returned a weight, but nothing that has it");
    });
  });

  it.each([
    ["onStep", "aborted"], ["onEpoch", "aborted"], ["until", "aborted"], ["validate", "aborted"],
  ])("does not wait for %s when the signal aborts", async (name, stopped) => {
    const { θ, ...options } = told();
    const controller = new AbortController();
    const never = () => { setTimeout(() => controller.abort(), 5); return new Promise<never>(() => {}); };
    expect(await fit(θ, { ...options, data: [1, 2], epochs: 3, signal: controller.signal, [name]: never })).toMatchObject({ stopped });
  });

  it.each([NaN, 0, -1, 1.5, Infinity])("does not believe a length of %d", async (length) => {
    const { θ, ...options } = told();
    const seen: (number | null)[] = [];
    await fit(θ, {
      ...options, data: { length, [Symbol.iterator]: () => [1, 2][Symbol.iterator]() } as Iterable<number>, epochs: 1,
      onStep: ({ batches }) => { seen.push(batches); },
    });
    expect(seen).toEqual([null, null]);
  });

  it("says how it went", async () => {
    const { θ, ...options } = begin();
    const history = await fit(θ, { ...options, epochs: 2 });
    expect(history).toMatchObject({ stopped: "finished", step: 14, parameters: 21, best: { epoch: 2, name: "loss" } });
    expect(history.epochs[1]).toMatchObject({ epoch: 2, step: 14, steps: 7, samples: 100, learningRate: 0.02, validation: null, metrics: {} });
    expect(history.epochs[1].seconds).toBeGreaterThan(0);
    expect(history.model).toContain("Model (21 parameters)");
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });

  it("does not take the steps of a sequence for samples", async () => {
    const { θ, ...options } = told();
    const sequence = { x: input([[1], [2], [3]]), y: [0, 1, 2] };
    const train = (more: object) => fit(θ, { ...options, data: [sequence, sequence], cost: () => θ.w.mul(0), epochs: 1, ...more });
    expect((await train({})).epochs[0].samples).toBe(null);
    expect((await train({ samples: () => 1 })).epochs[0].samples).toBe(2);
  });

  it("averages further numbers of the cost, every batch alike", async () => {
    const { θ, optimizer } = told();
    const history = await fit(θ, {
      data: [1, 2, 6], cost: (loss) => ({ loss: θ.w.mul(0).add(loss), twice: θ.w.mul(0).add(2 * loss) }), optimizer, epochs: 1, progress: "none",
    });
    expect(history.epochs[0]).toMatchObject({ loss: 3, metrics: { twice: 6 }, samples: null });
  });

  it("validates without gradients after each epoch", async () => {
    const { θ, ...options } = told();
    const asked: number[] = [];
    const history = await fit(θ, {
      ...options, data: [1, 2], epochs: 2,
      validate: { data: (epoch) => { asked.push(epoch); return [epoch, 3]; }, cost: (x) => ({ loss: θ.w.mul(x), double: 2 * x }) },
    });
    expect(asked).toEqual([1, 2]);
    expect(history.epochs.map(({ validation }) => validation)).toEqual([{ loss: 2, double: 4 }, { loss: 2.5, double: 5 }]);
    expect(θ.w.grad).toBeNull();
    const numbers = await fit(θ, { ...options, data: [1], epochs: 2, validate: async () => ({ accuracy: 0.5 }) });
    expect(numbers.epochs[0].validation).toEqual({ accuracy: 0.5 });
    expect(numbers.best).toBeNull();
  });

  it("tells callbacks of steps and epochs, and ends when they say so", async () => {
    const { θ, ...options } = told();
    const steps: StepEvent[] = [];
    const epochs: EpochEvent[] = [];
    const history = await fit(θ, {
      ...options, data: [5, 6], epochs: 9, onStep: (event) => { steps.push(event); },
      onEpoch: async (event) => { epochs.push(event); return event.epoch < 2; },
    });
    expect(history.stopped).toBe("callback");
    expect(steps.map(({ epoch, batch, step, loss }) => [epoch, batch, step, loss])).toEqual([[1, 1, 1, 5], [1, 2, 2, 6], [2, 1, 3, 5], [2, 2, 4, 6]]);
    expect(steps.map(({ batches }) => batches)).toEqual([2, 2, 2, 2]);
    expect(epochs.map(({ loss, improved }) => [loss, improved])).toEqual([[5.5, true], [5.5, false]]);
    const inside = await fit(θ, { ...options, data: [5, 6, 7], epochs: 9, onStep: ({ step, stop }) => { if (step === 2) stop(); } });
    expect(inside).toMatchObject({ stopped: "callback", step: 2, epochs: [] });
    expect((await fit(θ, { ...options, data: [5], epochs: 9, onStep: () => false })).step).toBe(1);
  });

  it("keeps its history to itself: callbacks may write into what they get", async () => {
    const { θ, ...options } = told();
    const scribble = (epoch: EpochRecord): void => {
      Object.assign(epoch, { loss: -1, epoch: 99 });
      Object.assign(epoch.metrics, { more: 7 });
      Object.assign(epoch.validation ?? {}, { loss: -1 });
    };
    const history = await fit(θ, {
      ...options, data: [5, 6], epochs: 2, validate: () => ({ loss: 4 }),
      onStep: (event) => { Object.assign(event.metrics, { more: 7 }); },
      onEpoch: (event) => { scribble(event); },
      until: (epoch) => { scribble(epoch); return false; },
    });
    expect(history.epochs.map(({ epoch, loss, metrics, validation }) => [epoch, loss, metrics, validation]))
      .toEqual([[1, 5.5, {}, { loss: 4 }], [2, 5.5, {}, { loss: 4 }]]);
  });

  it("ends by an AbortSignal, also while it waits for data that never come", async () => {
    const { θ, ...options } = told();
    const controller = new AbortController();
    let closed = false;
    async function* data() {
      try {
        yield 1;
        await new Promise(() => {});
      } finally {
        closed = true; // an async generator that waits cannot be closed
      }
    }
    setTimeout(() => controller.abort(), 20);
    const history = await fit(θ, { ...options, data, epochs: 1, signal: controller.signal });
    expect([history.stopped, history.step, closed]).toEqual(["aborted", 1, false]);
    expect(await fit(θ, { ...options, data: [1], epochs: 1, signal: controller.signal })).toMatchObject({ stopped: "aborted", step: 0 });
  });

  it("goes on without an end if told, until something stops it", async () => {
    const { θ, ...options } = told();
    const history = await fit(θ, { ...options, data: [1, 2], epochs: Infinity, until: ({ epoch }) => epoch === 4 });
    expect(history).toMatchObject({ stopped: "goal", step: 8 });
    await expect(fit(θ, { ...options, data: [1], epochs: 1.5 })).rejects.toThrow(ValueError);
  });

  it("lets the event loop run while it computes", async () => {
    const { θ, ...options } = told();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const work = () => { for (const end = performance.now() + 20; performance.now() < end; ); };
    await fit(θ, { ...options, epochs: 1, data: Array.from({ length: 12 }, () => 1), onStep: work });
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(3); // at the latest after each third step of at least 20 ms
  });

  it("does not use gradients from before", async () => {
    const { θ, ...options } = told();
    grad(() => θ.w.mul(100).sum());
    await fit(θ, { ...options, data: [1], epochs: 1 });
    expect(θ.w.item()).toBe(1);
  });
});

describe("a goal", () => {
  /** Validation gives 5, 4, 3, …, whatever is trained. */
  const towards = (more: Partial<FitOptions<number>>) => {
    const { θ, ...options } = told();
    return fit(θ, { ...options, data: [1, 2], epochs: 4, until: ({ validation }) => validation?.errors === 3, ...more,
      validate: (() => { let errors = 6; return () => ({ errors: --errors }); })() });
  };

  it("ends the training when it is reached, and says so", async () => {
    expect(await towards({})).toMatchObject({ stopped: "goal", step: 6, epochs: { length: 3 } });
    expect(await towards({ epochs: 3 })).toMatchObject({ stopped: "goal", step: 6 });
    expect(await towards({ epochs: 2 })).toMatchObject({ stopped: "finished", step: 4 });
    expect(await towards({ until: async ({ loss, epoch }) => loss === 1.5 && epoch === 1 })).toMatchObject({ stopped: "goal", step: 2 });
  });

  it("is still reached when training is resumed", async () => {
    const checkpoint = { path: folder("m.safetensors"), resume: true };
    expect(await towards({ checkpoint })).toMatchObject({ stopped: "goal", step: 6 });
    expect(await towards({ checkpoint })).toMatchObject({ stopped: "goal", step: 6 });
    expect(await towards({ checkpoint, until: () => false })).toMatchObject({ stopped: "finished", step: 8 });
  });

  it("that is no answer is an error, as one that fails", async () => {
    for (const answer of [undefined, 1, "yes"]) {
      expect((await failure(towards({ until: () => answer as never }))).message).toMatch(/^until must return true or false, but returned .* after epoch 1\.$/);
    }
    expect((await failure(towards({ until: () => { throw new Error("mine"); } }))).message).toBe("until failed after epoch 1, step 2: mine");
    expect(await failure(towards({ until: 3 as never }))).toBeInstanceOf(ValueError);
  });
});

describe("early stopping", () => {
  const losses = [5, 4, 3, 6, 7, 1, 0];

  /** A model whose parameter counts the steps; validation in each epoch says what it is told. */
  const counting = (more: Partial<FitOptions<number>>, told = losses) => {
    const θ = new Scalar(0);
    let epoch = 0;
    return { θ, run: fit(θ, {
      data: [1], cost: () => θ.w.mul(-1), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: told.length, progress: "none",
      validate: () => told[epoch++], ...more,
    }) };
  };

  it("puts the best parameters back", async () => {
    const { θ, run } = counting({ patience: 1 });
    expect(await run).toMatchObject({ stopped: "patience", step: 5, best: { epoch: 3, value: 3 } });
    expect(θ.w.item()).toBe(3);
  });

  it("leaves the last ones if told", async () => {
    const { θ, run } = counting({ patience: 1, restoreBest: false });
    expect(await run).toMatchObject({ stopped: "patience", best: { epoch: 3 } });
    expect(θ.w.item()).toBe(5);
  });

  it("puts them back without patience too", async () => {
    const { θ, run } = counting({ restoreBest: true }, [5, 4, 8]);
    expect(await run).toMatchObject({ stopped: "finished", step: 3, best: { epoch: 2 } });
    expect(θ.w.item()).toBe(2);
  });

  it("takes a Patience and another number", async () => {
    let epoch = 0;
    const { θ, run } =
      counting({ patience: new Patience(0, { maximize: true }), monitor: "accuracy", validate: () => ({ accuracy: [0.1, 0.4, 0.3][epoch++] }) });
    expect(await run).toMatchObject({ stopped: "patience", step: 3, best: { epoch: 2, value: 0.4, name: "accuracy" } });
    expect(θ.w.item()).toBe(2);
  });

  it("goes by the training loss without validation", async () => {
    const { run } = counting({ patience: 0, validate: undefined, cost: undefined as never });
    await expect(run).rejects.toThrow(ValueError);
    const { θ, ...options } = told();
    expect(await fit(θ, { ...options, data: (epoch) => [losses[epoch]], epochs: 7, patience: 0 }))
      .toMatchObject({ stopped: "patience", best: { epoch: 2, value: 3 } });
  });

  it("counts NaN of validation as no improvement", async () => {
    const { run } = counting({ patience: 1 }, [2, NaN, NaN, 1]);
    const history = await run;
    expect(history).toMatchObject({ stopped: "patience", best: { epoch: 1 } });
    expect(history.epochs[1].validation).toEqual({ loss: NaN });
  });

  it("says which numbers there are", async () => {
    const error = await failure(counting({ patience: 1, validate: () => ({ accuracy: 1, f1: 2 }) }).run);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.message).toContain('There is no "loss" to tell the best epoch by: epoch 1 gave accuracy, f1');
  });
});

describe("what goes wrong", () => {
  it("names epoch and batch of data that fail, with the cause, and closes them", async () => {
    const { θ, ...options } = told();
    const cause = new Error("no disk");
    const error = await failure(fit(θ, { ...options, epochs: 2, data: function* (epoch) { yield 1; yield 2; if (epoch === 2) throw cause; } }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error).toMatchObject({ cause, epoch: 2, batch: 3, step: 4, history: { stopped: "failed", step: 4, epochs: [{ epoch: 1 }] } });
    expect(error.message).toBe("The data failed in epoch 2, batch 3 (step 5): no disk");
  });

  it("closes an iterator that is left early, not one that has ended or failed", async () => {
    const { θ, ...options } = told();
    let closed = 0;
    const data = (count: number, fail = false) => () => {
      let i = 0;
      return { [Symbol.iterator]: () => ({
        next: () => { if (fail && i === 1) throw new Error("x"); return { value: 1, done: i++ >= count }; },
        return: () => { closed++; return { value: undefined, done: true as const }; },
      }) };
    };
    await fit(θ, { ...options, data: data(3), epochs: 1 });
    await failure(fit(θ, { ...options, data: data(3, true), epochs: 1 }));
    expect(closed).toBe(0);
    await fit(θ, { ...options, data: data(3), epochs: 1, onStep: () => false });
    await failure(fit(θ, { ...options, data: data(3), epochs: 1, cost: () => { throw new Error("x"); } }));
    expect(closed).toBe(2);
  });

  it("names the first error, not what an iterator says when it is closed after that", async () => {
    const { θ, ...options } = told();
    const cause = new Error("mine");
    const closing = (close: () => unknown) =>
      ({ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }), return: close }) }) as unknown as Iterable<number>;
    const fails = () => { throw new Error("in return"); };
    for (const close of [fails, () => new Promise(() => {})]) {
      const error = await failure(fit(θ, { ...options, data: closing(close), epochs: 1, cost: () => { throw cause; } }));
      expect(error).toBeInstanceOf(TrainingError);
      expect(error.cause).toBe(cause);
      expect(await failure(fit(θ, { ...options, data: closing(close), epochs: 1, cost: () => θ.w.mul(Infinity) }))).toBeInstanceOf(DivergenceError);
    }
    const error = await failure(fit(θ, { ...options, data: closing(fails), epochs: 1, onStep: () => false }));
    expect(error.message).toContain("The data could not be closed in epoch 1: in return");
  });

  it("refuses an optimizer of something else", async () => {
    const { θ, ...options } = told();
    expect((await failure(fit(θ, { ...options, data: [1], epochs: 1, optimizer: told().optimizer }))).message)
      .toContain("trains no parameter of the component");
  });

  it("refuses data without batches, and what can be gone through only once", async () => {
    const { θ, ...options } = told();
    expect(await failure(fit(θ, { ...options, data: [], epochs: 1 }))).toMatchObject({ name: "TrainingError", epoch: 1, step: 0 });
    function* once() { yield 1; }
    const error = await failure(fit(θ, { ...options, data: once(), epochs: 2 }));
    expect(error.cause).toBeInstanceOf(UsageError);
    expect(error.message).toContain("can be gone through only once");
    expect(error.step).toBe(0);
    expect((await fit(θ, { ...options, data: once(), epochs: 1 })).step).toBe(1);
    const same = once();
    const second = await failure(fit(θ, { ...options, data: () => same, epochs: 2 }));
    expect(second.message).toContain("The data gave no batches in epoch 2");
    expect(second.step).toBe(1);
    expect((await failure(fit(θ, { ...options, data: (() => 3) as never, epochs: 1 }))).message)
      .toContain("The data of epoch 1 could not be opened: The function gave 3");
    expect((await failure(fit(θ, { ...options, data: [1], epochs: 2, validate: { data: once(), cost: (x: number) => x } as never }))).message)
      .toContain("only once");
    expect((await failure(fit(θ, { ...options, data: [1], epochs: 1, validate: { data: [], cost: () => 1 } }))).message)
      .toContain("The validation data gave no batches after epoch 1");
  });

  it.each([NaN, Infinity])("stops at a loss of %s, before it spoils the parameters", async (loss) => {
    const θ = new Scalar(1);
    const error = await failure(fit(θ, {
      data: [1, 2, loss], cost: (x) => θ.w.mul(x), optimizer: new GradientDescent(θ, { learningRate: 0.25 }), epochs: 1, progress: "none",
    }));
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error).toMatchObject({ epoch: 1, batch: 3, step: 2 });
    expect(error.message).toContain(`The loss is ${loss} in epoch 1, batch 3 (step 3)`);
    expect(error.message).toContain("debug({ checkNumerics: true })");
    expect([θ.w.item(), θ.w.grad]).toEqual([0.25, null]);
  });

  it("notices parameters that became NaN in the last step of an epoch", async () => {
    const θ = new Scalar(0);
    const error =
      await failure(fit(θ, { data: [1], cost: () => θ.w.sqrt(), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: 1, progress: "none" }));
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error.message).toContain("The parameter w is no longer finite in epoch 1, after step 1");
  });

  it("has the NanError of debug as its cause", async () => {
    const θ = new Scalar(-1);
    debug({ checkNumerics: true });
    try {
      const error =
        await failure(fit(θ, { data: [1], cost: () => θ.w.log(), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: 1, progress: "none" }));
      expect(error.cause).toBeInstanceOf(NanError);
    } finally {
      debug({ checkNumerics: false });
    }
  });

  it.each<[string, (θ: Scalar) => unknown, new (...a: never[]) => Error]>([
    ["nothing", () => undefined, UsageError],
    ["a number", () => 3, UsageError],
    ["a promise", async (θ) => θ.w, UsageError],
    ["a vector", (θ) => θ.w.add(input([1, 2])), ShapeError],
    ["a vector among its numbers", (θ) => ({ loss: θ.w.mul(1), scores: θ.w.add(input([1, 2])) }), UsageError],
    ["text among its numbers", (θ) => ({ loss: θ.w.mul(1), note: "x" }), UsageError],
    ["a number with a name that is taken", (θ) => ({ loss: θ.w.mul(1), step: θ.w.mul(1) }), UsageError],
  ])("refuses a cost that returns %s, saying where", async (_, cost, kind) => {
    const θ = new Scalar(1);
    const error =
      await failure(fit(θ, { data: [1], cost: (() => cost(θ)) as never, optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: 1, progress: "none" }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.cause).toBeInstanceOf(kind);
    expect(error.message).toMatch(/^The cost failed in epoch 1, batch 1 \(step 1\): /);
    expect([θ.w.item(), θ.w.grad]).toEqual([1, null]);
  });

  it("names what failed: validation, a callback", async () => {
    const { θ, ...options } = told();
    const fails = () => { throw new Error("mine"); };
    const of = async (more: object) => (await failure(fit(θ, { ...options, data: [1], epochs: 2, ...more }))).message;
    expect(await of({ validate: fails })).toBe("Validation failed after epoch 1: mine");
    expect(await of({ validate: () => "x" })).toContain("Validation failed after epoch 1: validate must return");
    expect(await of({ validate: { data: [1, 2], cost: (x: number) => { if (x === 2) fails(); return 1; } } }))
      .toBe("Validation failed after epoch 1, batch 2: mine");
    expect(await of({ validate: { data: (function* () { yield 1; fails(); }), cost: () => 1 } }))
      .toBe("Validation failed after epoch 1, batch 2 of its data: mine");
    expect(await of({ onStep: fails })).toBe("onStep failed after epoch 1, step 1: mine");
    expect(await of({ samples: fails })).toBe("samples failed in epoch 1, batch 1 (step 1): mine");
  });

  it.each<[string, object | null]>([
    ["no options", null], ["an option that does not exist", { epoch: 3 }], ["no data", { data: 3 }], ["text as data", { data: "abc" }],
    ["no cost", { cost: new Variable([], null, null, -1, null) }], ["no optimizer", { optimizer: {} }], ["half an epoch", { epochs: 1.5 }],
    ["-1 epochs", { epochs: -1 }], ["another progress", { progress: true }], ["patience of 1.5", { patience: 1.5 }], ["no signal", { signal: {} }],
    ["an unknown option of validate", { validate: { data: [], cost() {}, every: 1 } }],
    ["resume and overwrite", { checkpoint: { path: "x", resume: true, overwrite: true } }],
    ["an empty path", { checkpoint: "" }], ["every 0", { checkpoint: { path: "x", every: 0 } }],
    ["every with both", { checkpoint: { path: "x", every: { epochs: 1, steps: 1 } } }],
    ["a flag that is none", { metrics: { path: "x", append: 1 } }], ["no generator", { random: 3 }], ["a callback that is none", { onStep: 3 }],
  ])("refuses %s", async (_, wrong) => {
    const { θ, ...options } = told();
    await expect(fit(θ, (wrong === null ? null : { ...options, data: [1], epochs: 1, ...wrong }) as never)).rejects.toThrow(ValueError);
  });

  it("refuses a model that is none", async () => {
    await expect(fit({} as never, {} as never)).rejects.toThrow(ValueError);
  });

  it("removes its handlers, however it ends", async () => {
    const before = process.listenerCount("SIGINT");
    const { θ, ...options } = told();
    await fit(θ, { ...options, data: [1], epochs: 1, onStep: () => { expect(process.listenerCount("SIGINT")).toBe(before + 1); } });
    await failure(fit(θ, { ...options, data: [], epochs: 1 }));
    await failure(fit(θ, { ...options, data: [], epochs: 1, random: 3 as never }));
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});

describe("in a browser", () => {
  it("trains without anything of Node, and says what needs it", async () => {
    const { θ, ...options } = begin();
    // The test runner itself needs the rest of it.
    const hidden: (string | symbol)[] = ["getBuiltinModule", "stderr", "on", "off"];
    vi.stubGlobal("process", new Proxy(process, { get: (target, name) => (hidden.includes(name) ? undefined : Reflect.get(target, name)) }));
    vi.stubGlobal("setImmediate", undefined);
    try {
      let until = performance.now() + 120; // long enough to give way once or twice
      const history = await fit(θ, { ...options, progress: "auto", epochs: 2, onStep: () => { while (performance.now() < until); until = 0; } });
      expect(history.step).toBe(14);
      await expect(fit(θ, { ...options, epochs: 1, metrics: folder("m.jsonl") })).rejects.toThrow(UsageError);
      await expect(fit(θ, { ...options, epochs: 1, checkpoint: folder("m.safetensors") })).rejects.toThrow(UsageError);
      await expect(fit(θ, { ...options, epochs: 1, tensorboard: folder("tb") })).rejects.toThrow("A TensorBoard event file needs Node");
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

it("infers the batch from the data", async () => {
  seed(1);
  const { θ } = begin();
  const table = samples();
  await fit(θ, {
    data: () => minibatches(table, 50, { shuffle: new Random(1) }),
    cost: ({ x, y }) => θ.cost(x, y),
    optimizer: new Adam(θ), epochs: 1, progress: "none",
    validate: { data: [1, 2], cost: (n) => n.toFixed(0).length },
  });
});
