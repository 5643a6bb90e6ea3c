import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchNorm, type BatchNormOptions, Conv2d, SoftmaxRegression } from "../../src/components/index.ts";
import {
  Adam, Component, evaluate, grad, gradients, input, parameter, Random, randn, relu, setDevice, ShapeError, sum, ValueError, type Variable,
} from "../../src/index.ts";
import { restore, serialize } from "../../src/io/index.ts";
import { fit as train } from "../../src/train/index.ts";
import { draw, expectClose, expectGradients, expectValue, probe, randomize, vector } from "./plain.ts";

/** The values of each feature of x, features along an axis counted from the end. */
function valuesByFeature(x: Variable, axis: number): number[][] {
  const inner = x.shape.slice(x.shape.length + axis + 1).reduce((a, b) => a * b, 1);
  const count = x.shape.at(axis) as number;
  const found: number[][] = Array.from({ length: count }, () => []);
  x.data.forEach((value, i) => { found[Math.floor(i / inner) % count].push(value); });
  return found;
}

const moments = (values: readonly number[]): { mean: number; variance: number } => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length };
};

/**
 * PyTorch 1.13, float64: BatchNorm1d(3, momentum=0.3) on x [4, 3], BatchNorm2d(2, momentum=0.3) on x [2, 2, 2, 3]; x = 2·sin(i²) + 1, the loss Σ cos(i)·y,
 * weight the first of 1.5, −0.5, 2, bias of 0.1, 0.2, 0.3; then one more forward pass of 2x − 1, then eval().
 */
const pytorch: readonly (Record<"y" | "dx" | "gain" | "bias" | "mean" | "variance" | "mean2" | "variance2" | "evaluated", number[]> & {
  name: string; options: BatchNormOptions; shape: number[];
})[] = [
  {
    name: "BatchNorm1d", options: { inputs: 3, momentum: 0.3 }, shape: [4, 3],
    y: [
      0.933527435442806, -0.6070537942291359, -2.4544499235773074, 2.0695285239780463, 0.2462918111869153, -0.7585544567183697,
      -1.80030251260403, 0.7494018997415204, 2.0995135883299993, -0.8027534468168225, 0.41136008330070034, 2.3134907919656778,
    ],
    dx: [
      1.6283008757616524, -0.1529096370915875, -0.3335827456358632, -0.7458731223690843, 0.22418163208116457, 0.5313350591518397,
      0.68653706555602, -0.351197754456302, -0.19528389334141968, -1.5689648189485883, 0.279925759466725, -0.002468420174556767,
    ],
    gain: [-1.4122526993132842, 0.4589245411748035, 0.29653278285276535], bias: [0.05904752816524361, -0.19851058972862, -0.27355898690447894],
    mean: [0.11856774562862803, 0.1640174061410401, 0.4544530526272003], variance: [1.173789606021606, 1.4006214055645243, 1.5677131712993533],
    mean2: [0.020132913197295696, 0.14284699658080824, 0.9270232420934408], variance2: [2.7168111483015482, 3.782920606153265, 4.568251905106961],
    evaluated: [
      0.9917187624889359, -0.45298885958563306, -1.0480513011470456, 1.7418078115205187, 0.12767355264141805, 0.12059390581198834,
      -0.8133991433297784, 0.47001681401375495, 2.090094731352184, -0.1547284451498456, 0.2399949151226958, 2.2375468817435573,
    ],
  },
  {
    name: "BatchNorm2d", options: { inputs: 2, axis: -3, momentum: 0.3 }, shape: [2, 2, 2, 3],
    y: [
      0.5123292851930293, 2.560534467212101, -1.3297862727290775, 1.5154574171401107, -0.18844956013874004, 0.1901749325251963,
      0.8390594451091102, 0.8143805464880814, -0.4016966192815664, 0.6041932827069882, 0.5240276186023012, -0.4528305824903678,
      -0.682855089863834, -0.9529847551164619, 2.7992177973623695, -1.751593278141906, -1.919820022771998, 0.4477750793292117,
      0.4576349291018056, 0.014076626270345147, 0.7476420248856885, -0.40393174931474307, 0.06981483608137325, -0.41237035815901707,
    ],
    dx: [
      1.193046483830497, 0.34296224172172196, -0.26908581576329804, -1.3711822256703619, -0.7200698121523148, 0.3669454134195519,
      -0.212044816240926, -0.1491642012521421, -0.05702869301821683, 0.35661697670368453, 0.32006821767032934, -0.11407723884046296,
      1.172592306706758, 1.2883152085207712, -0.1820581600411594, -0.6273394476558194, -0.8444092181626286, -0.3497169747537182,
      -0.17738501445279137, -0.3567930847517603, -0.047906657380465, 0.07312705153724794, 0.2976801107226032, 0.06690734930289954,
    ],
    gain: [2.098514260560449, -3.036667749494001], bias: [-0.3402912355231146, -0.20062330449618315],
    mean: [0.19836082847876996, 0.2957451811899782], variance: [1.1971424357107086, 1.4770023104809964],
    mean2: [0.23557423689267892, 0.49851198921294126], variance2: [2.8265694478403307, 4.141910859260683],
    evaluated: [
      0.7820182187072653, 2.283533656438418, -0.5684153084543819, 1.517399805163446, 0.26828538376550426, 0.5458506032214974,
      0.5641142982931604, 0.5454297743262748, -0.3752686449315494, 0.3862958912483019, 0.3256020452510981, -0.4139824374620877,
      -0.09415756965485507, -0.29218649084239673, 2.458509634478089, -0.8776371266250443, -1.000962199873974, 0.7346942799115209,
      0.275335790778098, -0.06048453359017144, 0.4949016885497127, -0.37696087363734787, -0.018284841736903548, -0.3833497887838147,
    ],
  },
];

describe.each(["wasm", "reference"] as const)("BatchNorm on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));
  /** Some ten roundings of 6·10⁻⁸, at sizes of some units. */
  const tolerance = device === "wasm" ? 1e-5 : 1e-12;
  const close = (found: Variable | null, expected: readonly number[]): void => expectClose([...(found as Variable).data], [...expected], tolerance);

  it.each(pytorch)("has the figures of PyTorch's $name", ({ options, shape, ...expected }) => {
    const norm = new BatchNorm(options);
    norm.gain?.assign([1.5, -0.5, 2].slice(0, options.inputs));
    norm.bias?.assign([0.1, 0.2, 0.3].slice(0, options.inputs));
    const n = shape.reduce((a, b) => a * b);
    const x = parameter(Array.from({ length: n }, (_, i) => Math.sin(i * i) * 2 + 1), shape);
    const g = input(Array.from({ length: n }, (_, i) => Math.cos(i)), shape);
    const { y } = grad(() => {
      const y = norm.forward(x);
      return { y, loss: sum(y.mul(g)) };
    });
    close(y, expected.y);
    close(x.grad, expected.dx);
    close(norm.gain?.grad ?? null, expected.gain);
    close(norm.bias?.grad ?? null, expected.bias);
    close(norm.mean, expected.mean);
    close(norm.variance, expected.variance);
    grad(() => norm.forward(x.mul(2).sub(1)).sum());
    close(norm.mean, expected.mean2);
    close(norm.variance, expected.variance2);
    for (const found of [evaluate(() => norm.forward(x)), norm.forward(x)]) close(found, expected.evaluated);
    close(norm.mean, expected.mean2);
  });

  it("goes by each feature over all other axes, whichever they are", () => {
    const random = new Random(5);
    for (let i = 0; i < 12; i++) {
      const axis = -random.integer(1, 3);
      const shape = Array.from({ length: random.integer(0, 2) - axis }, () => random.integer(2, 5));
      const inputs = shape.at(axis) as number;
      const norm = randomize(new BatchNorm({ inputs, axis, momentum: 1, epsilon: 0.01, affine: i % 3 > 0 }), i);
      const x = randn(shape, random).mul(3).add(2);
      if (x.size === inputs) continue;
      const y = grad(() => {
        const y = norm.forward(parameter(x));
        return { y, loss: y.sum() };
      }).y;
      const values = valuesByFeature(x, axis);
      const n = values[0].length;
      const [gain, bias] = [norm.gain === null ? null : vector(norm.gain), norm.bias === null ? null : vector(norm.bias)];
      valuesByFeature(y, axis).forEach((found, k) => {
        const { mean, variance } = moments(values[k]);
        expectClose(found, values[k].map((value) => (value - mean) / Math.sqrt(variance + 0.01) * (gain?.[k] ?? 1) + (bias?.[k] ?? 0)), tolerance);
      });
      // With momentum 1 the last batch is all that is remembered; with the variance of a sample.
      close(norm.mean, values.map((each) => moments(each).mean));
      close(norm.variance, values.map((each) => moments(each).variance * n / (n - 1)));
    }
  });

  it("is as exact far from 0", () => {
    // Multiples of 1/64, which float32 holds at 10⁵: near 0 the same values.
    const near = randn([50, 3], new Random(1)).mul(64).toArray<number[][]>().map((row) => row.map((value) => Math.round(value) / 64));
    const far = near.map((row) => row.map((value, k) => value + 1e5 * k));
    const norm = new BatchNorm({ inputs: 3, momentum: 1, affine: false });
    const of = (x: number[][]): Variable => {
      const scale = parameter(1);
      return grad(() => {
        const y = norm.forward(input(x));
        return { y, loss: y.mul(scale).sum() };
      }).y;
    };
    const expected = of(near);
    const variance = norm.variance.toArray();
    close(of(far), [...expected.data]);
    expectClose(norm.variance.toArray(), variance, tolerance);
    // A constant feature: nothing, wherever it is.
    of(Array.from({ length: 7 }, () => [3, 1e5 + 0.3, -1e7 / 3])).data.forEach((value) => { expect(Math.abs(value)).toBeLessThan(1e-3); });
  });

  it("remembers both batches where it is called twice in a step", () => {
    const norm = new BatchNorm({ inputs: 1, momentum: 0.5 });
    grad(() => norm.forward(input([[0], [8]])).add(norm.forward(input([[20], [20]]))).sum());
    expectClose([norm.mean.item(), norm.variance.item()], [0.5 * (0.5 * 0 + 0.5 * 4) + 0.5 * 20, 0.5 * (0.5 * 1 + 0.5 * 32)], tolerance);
  });

  it("frozen goes by what it remembers, keeps it, and is trained all the same", () => {
    const norm = new BatchNorm({ inputs: 2, epsilon: 0 });
    norm.mean.assign([1, 2]);
    norm.variance.assign([4, 9]);
    norm.frozen = true;
    const x = parameter([[3, 2], [1, 8]]);
    const { y } = grad(() => {
      const y = norm.forward(x);
      return { y, loss: y.sum() };
    });
    close(y, [1, 0, 0, 2]);
    close(x.grad, [0.5, 1 / 3, 0.5, 1 / 3]);
    close(norm.gain?.grad ?? null, [1, 2]);
    expect([norm.mean.toArray(), norm.variance.toArray(), norm.options.frozen]).toEqual([[1, 2], [4, 9], true]);
    norm.frozen = false;
    norm.freeze(); // gain and bias, as a model would that this is part of
    close(grad(() => ({ loss: norm.forward(x).sum(), y: norm.forward(x) })).y, [1, 0, 0, 2]);
    expect(norm.mean.toArray()).toEqual([1, 2]);
    norm.unfreeze();
    grad(() => norm.forward(x).sum());
    expectClose(norm.mean.toArray(), [1.1, 2.3], tolerance);
  });
});

describe("BatchNorm", () => {
  it("has right gradients, in training and frozen, which leave no trace", () => {
    const random = new Random(9);
    for (const [shape, axis] of [[[4, 3], -1], [[2, 3, 2, 2], -3], [[3, 2, 2], -2]] as const) {
      const norm = randomize(new BatchNorm({ inputs: shape.at(axis) as number, axis, affine: axis !== -2 }), 3);
      const x = parameter(randn(shape, random));
      const before = [norm.mean.data, norm.variance.data];
      for (norm.frozen of [false, true]) {
        expectGradients(() => probe(norm.forward(x.pow(2))), new Map([["x", x], ...norm.namedParameters()]));
        expect([norm.mean.data, norm.variance.data]).toEqual(before);
      }
    }
  });

  it("by running statistics is an affine map of each feature, on both devices", () => {
    const norm = randomize(new BatchNorm({ inputs: 3 }));
    norm.mean.assign([1, -1, 0.5]);
    norm.variance.assign([2, 0.5, 1]);
    const x = draw([4, 3]);
    const [gain, bias, mean, variance] = [norm.gain, norm.bias, norm.mean, norm.variance].map((each) => vector(each as Variable));
    const expected = (x.toArray() as number[][]).map((row) => row.map((value, k) => (value - mean[k]) / Math.sqrt(variance[k] + 1e-5) * gain[k] + bias[k]));
    expectValue(() => norm.forward(x), expected);
    expectValue(() => norm.forward(input((x.toArray() as number[][])[1])), expected[1]);
    // Gradients alone are no training.
    gradients(() => norm.forward(x).sum(), [x]);
    expect(norm.mean.toArray()).toEqual([1, -1, 0.5]);
  });

  it("within evaluate in a step goes by what it remembers", () => {
    const norm = new BatchNorm({ inputs: 1, epsilon: 0, momentum: 1 });
    const x = parameter([[1], [3]]);
    const { y, later } = grad(() => {
      const y = evaluate(() => norm.forward(x));
      const loss = norm.forward(x).sum();
      return { loss, y, later: evaluate(() => norm.forward(x.add(1))) };
    });
    expect([y.toArray(), norm.mean.item(), norm.variance.item()]).toEqual([[[1], [3]], 2, 2]);
    expectClose(later.toArray(), [[0], [2 / Math.SQRT2]]);
  });

  it("gives no gradient to the batches that it remembers", () => {
    const norm = new BatchNorm({ inputs: 1, affine: false });
    const [x, w] = [parameter([[1], [2]]), parameter(3)];
    grad(() => {
      norm.forward(x);
      norm.frozen = true;
      return norm.forward(input([[5], [6]])).mul(w).sum();
    });
    expect([x.grad, w.grad !== null]).toEqual([null, true]);
  });

  it("refuses what does not fit", () => {
    const norm = new BatchNorm({ inputs: 3 });
    const w = parameter(1);
    const train = (layer: BatchNorm, shape: readonly number[]) => () => grad(() => layer.forward(draw(shape)).mul(w).sum());
    expect(train(norm, [1, 3])).toThrow(new ShapeError(
      "BatchNorm got x of shape [1, 3] in training, where one value of a feature has no variance. Give more samples, or set frozen."));
    expect(train(norm, [3])).toThrow(/no variance/);
    expect(train(norm, [0, 3])).toThrow(/no variance/);
    expect(norm.forward(draw([1, 3])).shape).toEqual([1, 3]);
    expect(norm.mean.toArray()).toEqual([0, 0, 0]);
    expect(() => norm.forward(draw([2, 4]))).toThrow(new ShapeError("BatchNorm got x of shape [2, 4], but its axis -1 must have size 3."));
    expect(() => norm.forward(draw([2, 3, 4, 4]))).toThrow(/For images \[\.\.\., channels, height, width\] make it with axis: -3\./);
    const images = new BatchNorm({ inputs: 3, axis: -3 });
    expect(() => images.forward(draw([2, 4, 5, 3]))).toThrow(/bring them before height and width with x\.permute\(\[0, 3, 1, 2\]\)/);
    expect(() => images.forward(draw([3, 4]))).toThrow(ShapeError);
    expect(() => norm.forward([1, 2, 3] as never)).toThrow(ValueError);
    expect(() => new BatchNorm({ inputs: 3, axis: 1 })).toThrow(/takes an axis counted from the end, such as −1 or −3, as axis, but got 1/);
    expect(() => new BatchNorm({ inputs: 3, momentum: 1.5 })).toThrow(/takes a number from 0 to 1 as momentum, but got 1\.5/);
  });
});

/** A residual network for images [1, 6, 6] (He et al., arXiv:1512.03385), small. */
class Block extends Component {
  readonly convs; readonly norms;
  constructor(channels: number) {
    super();
    this.convs = [0, 1].map(() => new Conv2d({ inputs: channels, outputs: channels, size: 3, padding: 1 }));
    this.norms = [0, 1].map(() => new BatchNorm({ inputs: channels, axis: -3 }));
  }
  forward(x: Variable): Variable {
    const inner = relu(this.norms[0].forward(this.convs[0].forward(x)));
    return relu(x.add(this.norms[1].forward(this.convs[1].forward(inner))));
  }
}
class ResNet extends Component {
  readonly stem = new Conv2d({ inputs: 1, outputs: 4, size: 3, padding: 1 });
  readonly norm = new BatchNorm({ inputs: 4, axis: -3 });
  readonly blocks = [new Block(4), new Block(4)];
  readonly classifier = new SoftmaxRegression({ inputs: 4, outputs: 2 });
  features(x: Variable): Variable {
    let h = relu(this.norm.forward(this.stem.forward(x)));
    for (const block of this.blocks) h = block.forward(h);
    return h.mean([-1, -2]);
  }
  cost(x: Variable, y: number[]): Variable { return this.classifier.cost(this.features(x), y); }
}

describe("a network with BatchNorm", () => {
  /** Stripes, down or across, in noise. */
  const random = new Random(4);
  const sample = (): { x: number[][][]; y: number } => {
    const y = random.integer(0, 1);
    return { x: [Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, k) => ((y === 0 ? i : k) % 2 === 0 ? 1 : 0) + random.normal()))], y };
  };
  const samples = Array.from({ length: 64 }, sample);
  const batches = [0, 16, 32, 48].map((from) => samples.slice(from, from + 16));
  const cost = (model: ResNet) => (batch: typeof samples) => model.cost(input(batch.map(({ x }) => x)), batch.map(({ y }) => y));

  it("is trained by fit and validated by its running statistics, saved, and restored to the bit", async () => {
    const model = new ResNet();
    const optimizer = new Adam(model, { learningRate: 0.01 });
    const states = model.namedState();
    expect([...states.keys()].slice(0, 3)).toEqual(["norm.mean", "norm.variance", "blocks.0.norms.0.mean"]);
    const validate = { data: [samples], cost: cost(model) };
    const { epochs } = await train(model, { data: batches, cost: cost(model), optimizer, epochs: 12, validate, progress: "none" });
    const [first, last] = [epochs[0], epochs[11]].map(({ loss, validation }) => ({ loss, validation: validation?.loss as number }));
    expect(last.loss).toBeLessThan(0.5 * first.loss);
    expect(last.validation).toBeLessThan(0.5 * first.validation);
    expect(evaluate(() => cost(model)(samples)).item()).toBe(last.validation);
    const [bytes, register] = [serialize(model, { optimizer, components: { ResNet, Block } }), { ResNet, Block }];
    const restored = restore(bytes, { components: register });
    const again = restored.component as ResNet;
    const other = new Adam(again, { learningRate: 0.01 });
    const into = new ResNet();
    const third = new Adam(into, { learningRate: 0.01 });
    restore(bytes, { into, optimizer: third });
    other.restore(optimizer.snapshot());
    const all = (each: Component) => [...each.namedParameters().values(), ...each.namedState().values()].map(({ data }) => data);
    for (const [each, its] of [[model, optimizer], [again, other], [into, third]] as const) {
      for (let step = 0; step < 3; step++) {
        grad(() => cost(each)(samples.slice(step * 16, step * 16 + 16)));
        its.update();
      }
    }
    expect(all(again)).toEqual(all(model));
    expect(all(into)).toEqual(all(model));
  });
});
