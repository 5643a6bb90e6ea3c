import { expect, it } from "vitest";
import { cost, input, parameter, setDevice, sum, type Variable, zeros } from "../../src/index.ts";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { check, closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { t, x } from "./pytorch.ts";

const { contrastive, cosineEmbedding, triplet } = cost;
const none = { reduction: "none" } as const;

onDevices("cosineEmbedding", (close, device) => {
  it("is PyTorch's cosine_embedding_loss", () => {
    setDevice(device);
    for (const labels of [[1, -1, -1], [1, 0, 0], [true, false, false], input([1, -1, -1])]) {
      closeAll(close, cosineEmbedding(input(x), input(t), labels, none), [0.16042438217607247, 0.8895086250158282, 0.8444797674045653]);
      closeAll(close, cosineEmbedding(input(x), input(t), labels, { ...none, margin: 0.3 }), [0.16042438217607247, 0.5895086250158281, 0.5444797674045654]);
    }
    const [a, b] = [parameter(x), parameter(t)];
    const f = () => cosineEmbedding(a, b, [1, -1, -1], { margin: 0.3 });
    closeAll(close, gradientOf(f, a), [
      [0.03633251211634418, 0.19639195738574503, 0.10801557656209107, 0.014729396803925971],
      [0.04335605669619291, 0.1931315252826131, 0.1300681700882299, -0.035473137296742396],
      [0.05483820347255081, -0.023441492502553965, 0.12775094030750525, 0.005436210225863769],
    ]);
    closeAll(close, gradientOf(f, b), [
      [-0.11993937397489966, -0.21855619257585868, -0.41312451035807, -0.03731447190328567],
      [0.0354128703289599, -0.11532686974370694, -0.11626703444273595, 0.062050870133875585],
      [-0.07740220824834618, 0.0249477036160876, -0.08264626029768188, 0.05133577352840346],
    ]);
  });

  it("has gradients where vectors have no length, or any", () => {
    setDevice(device);
    const [a, b] = [parameter([[0, 0], [1e18, 0], [1e-18, 0]]), input([[3, 4], [1e18, 1e18], [3, 4]])];
    closeAll(close, cosineEmbedding(a, b, [1, 1, 1], none), [1, 1 - Math.SQRT1_2, 0.4]);
    expect(gradientOf(() => cosineEmbedding(a, b, [1, 1, 1]), a).every(Number.isFinite)).toBe(true);
  });

  it("refuses what does not fit", () => {
    expect(() => cosineEmbedding(input(x), zeros([3, 5]), [1, 1, 1])).toThrow(ShapeError);
    expect(() => cosineEmbedding(input(x), input(t), [1, 2, 1])).toThrow("cosineEmbedding takes targets that are 1, or −1 or 0 for no, but got 2.");
    expect(() => cosineEmbedding(input(x), input(t), [1, 1])).toThrow(ShapeError);
    expect(() => cosineEmbedding(input(x), input(t), [1, 1, 1], { margin: 2 })).toThrow(/from -1 to 1 as margin/);
    expect(() => cosineEmbedding(input(1), input(1), 1)).toThrow(ShapeError);
  });
});

onDevices("triplet", (close, device) => {
  const [anchor, positive, negative] = [x, t, [...t].reverse()];
  const losses = (options: object): Variable => triplet(input(anchor), input(positive), input(negative), { ...none, ...options });

  it("is PyTorch's TripletMarginWithDistanceLoss, by each distance", () => {
    setDevice(device);
    closeAll(close, losses({}), [0, 1, 0]);
    closeAll(close, losses({ swap: true }), [0, 2.224744871391589, 0]);
    closeAll(close, losses({ distance: "squared" }), [0, 1, 0]);
    closeAll(close, losses({ distance: "squared", swap: true }), [0, 2.5, 0]);
    closeAll(close, losses({ distance: "cosine" }), [0.6959236815645407, 1, 0.10858351308740866]);
    closeAll(close, losses({ distance: "cosine", swap: true }), [0.6959236815645407, 1.1104913749839815, 0.42971594201968166]);
    closeAll(close, losses({ distance: (a: Variable, b: Variable) => sum(a.sub(b).pow(2), -1), swap: true }), [0, 2.5, 0]);
    const [a, p, n] = [anchor, positive, negative].map((values) => parameter(values));
    const slopes = [0.4082482904638631, 0.8164965809277261, 0.4082482904638631, 0];
    closeAll(close, gradientOf(() => triplet(a, p, n), a), new Array(12).fill(0));
    closeAll(close, gradientOf(() => triplet(a, p, n), p), [0, 0, 0, 0, ...slopes, 0, 0, 0, 0]);
    closeAll(close, gradientOf(() => triplet(a, p, n), n), [0, 0, 0, 0, ...slopes.map((slope) => -slope), 0, 0, 0, 0]);
  });

  it("has finite gradients where all coincide", () => {
    setDevice(device);
    const w = parameter([[1, 2], [0, 0]]);
    for (const distance of ["euclidean", "squared", "cosine"] as const) {
      const f = () => triplet(w, w.mul(1), w.mul(1), { distance, swap: true });
      closeAll(close, triplet(w, w, w, { ...none, distance }), [1, 1]);
      expect(gradientOf(f, w).every(Number.isFinite)).toBe(true);
    }
  });

  it("refuses what is no distance", () => {
    expect(() => losses({ distance: "manhattan" })).toThrow(ValueError);
    expect(() => losses({ distance: (a: Variable, b: Variable) => sum(a.sub(b)) })).toThrow(
      "The distance given to triplet must return one number for each sample, shape [3], but returned shape [].",
    );
    expect(() => losses({ distance: () => 1 })).toThrow(ShapeError);
    expect(() => losses({ margin: -1 })).toThrow(ValueError);
    expect(() => triplet(input(x), input(t), zeros([4]))).toThrow(/triplet takes embeddings of one shape/);
  });
});

onDevices("contrastive", (close, device) => {
  // PyTorch's cross_entropy of normalize(a) @ normalize(b).T / temperature with the labels 0, 1, 2.
  it("is InfoNCE, and CLIP's where it is symmetric", () => {
    setDevice(device);
    closeAll(close, contrastive(input(x), input(t), none), [0.01290238161935968, 8.952077402511084e-07, 4.597424597725728e-06]);
    const symmetric = { symmetric: true, temperature: 0.5 };
    closeAll(close, contrastive(input(x), input(t), { ...none, ...symmetric }), [0.38683686534430284, 0.22878308289969818, 0.4029828509822916]);
    const dot = { similarity: "dot", temperature: 2 } as const;
    closeAll(close, contrastive(input(x), input(t), { ...none, ...dot }), [1.798549314189683, 0.15443916689132584, 0.001787207143395274]);
    const [a, b, temperature] = [parameter(x), parameter(t), parameter(0.5)];
    const f = () => contrastive(a, b, { symmetric: true, temperature, reduction: "mean" });
    closeAll(close, gradientOf(f, a), [
      [-0.0028572875955818018, 0.07648674210174145, 0.042912503022309624, 0.07387728275261375],
      [-0.003290342075543025, -0.05204185098771368, 0.01556640388821524, 0.03493839014597702],
      [0.004312350985941751, -0.004647978407330366, -0.018660276872476633, 0.008197456397676425],
    ]);
    closeAll(close, gradientOf(f, b), [
      [-0.023227855830052824, -0.04360280222606515, -0.08256003328611974, 0.07962906399747634],
      [-0.010833252049966595, 0.009911266397367134, 0.04168243294808871, 0.0190203826366374],
      [0.04609608743142853, -0.028372407095419546, 0.0375749613025597, -0.0197046014052462],
    ]);
    closeAll(close, gradientOf(f, temperature), [0.8123657952534985]);
  });

  it("leaves out what is masked, as a negative too", () => {
    setDevice(device);
    const holed = (rows: readonly number[][]) => parameter([rows[0], [NaN, Infinity, -Infinity, 1], rows[2]]);
    const [a, b] = [holed(x), holed(t)];
    const options = { symmetric: true, temperature: 0.5, mask: [1, 0, 1] };
    closeAll(close, contrastive(a, b, { ...none, ...options }), [0.29572768826407025, 0, 0.29329561301725654]);
    close(contrastive(a, b, { ...options, reduction: "mean" }).item(), (0.29572768826407025 + 0.29329561301725654) / 2);
    const found = gradientOf(() => contrastive(a, b, options), a);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(found.slice(4, 8).map((x) => x + 0)).toEqual([0, 0, 0, 0]);
    const [c, d] = [parameter(x), parameter(t)];
    check(() => contrastive(c, d, options), { c, d });
  });

  it("stands low temperatures, alone and among equals", () => {
    setDevice(device);
    const w = parameter([[1, 0], [1, 1e-3], [0, 0]]);
    const f = () => contrastive(w, w.mul(2), { temperature: 1e-6, symmetric: true });
    expect(f().item()).toBeGreaterThanOrEqual(0);
    expect(gradientOf(f, w).every(Number.isFinite)).toBe(true);
    expect(contrastive(input([[1, 2]]), input([[2, 1]])).item()).toBe(0);
    close(contrastive(zeros([4, 2]), zeros([4, 2]), { reduction: "mean" }).item(), Math.log(4));
  });

  it("refuses what does not fit", () => {
    expect(() => contrastive(zeros([2, 3, 4]), zeros([2, 3, 4]))).toThrow(ShapeError);
    expect(() => contrastive(input(x), zeros([2, 4]))).toThrow(/contrastive takes embeddings of one shape/);
    for (const temperature of [0, -1, NaN, "1", zeros([2])]) {
      expect(() => contrastive(input(x), input(t), { temperature: temperature as number })).toThrow(ValueError);
    }
    expect(() => contrastive(input(x), input(t), { similarity: "l2" as "dot" })).toThrow(ValueError);
  });
});
