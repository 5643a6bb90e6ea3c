import { expect, it } from "vitest";
import { cost, input, parameter, setDevice } from "../../src/index.ts";
import { ValueError } from "../../src/support/errors.ts";
import { closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { answers, classWeights, labels, shares, x } from "./pytorch.ts";

const { bernoulliCrossEntropyWithScores, categoricalCrossEntropyWithScores, focal } = cost;

onDevices("focal", (close, device) => {
  // torchvision's sigmoid_focal_loss, written out in PyTorch, and (1 − p)^γ times cross_entropy.
  it("is the cross entropy times the power of what is missing, and a weight", () => {
    setDevice(device);
    const none = { reduction: "none" } as const;
    closeAll(close, focal(input(x), answers, none), [0.2886419945670162, 1.7587139417885513, 2.5349290866269754]);
    closeAll(close, focal(input(x), answers, { ...none, alpha: 0.25 }), [0.18179296924889018, 1.0083146432567263, 1.0761167846463537]);
    closeAll(close, focal(input(x), answers, { ...none, alpha: 0.25, gamma: 0.5 }), [0.5832986265329153, 1.5155169275513085, 1.76073386374294]);
    closeAll(close, focal(input(x), shares, { ...none, alpha: 0.25 }), [0.48279047139343034, 0.7870861317457393, 1.191455592543485]);
    closeAll(close, focal(input(x), labels, none), [0.029609382145179983, 0.1616772890136384, 2.5418539247353573]);
    const alpha = classWeights;
    closeAll(close, focal(input(x), labels, { ...none, gamma: 0.5, alpha }), [0.09357789830094063, 0.4713530915067504, 5.553887041925319]);
    close(focal(input(x), labels, { reduction: "mean", gamma: 0.5, alpha }).item(), (0.09357789830094063 + 0.4713530915067504 + 5.553887041925319) / 3);
  });

  it("has PyTorch's gradients", () => {
    setDevice(device);
    const w = parameter(x);
    closeAll(close, gradientOf(() => focal(w, answers, { alpha: 0.25 }), w), [
      [-0.0344842493377286, 0.02556419531105881, -0.0012177350488481954, 0.25469596145255863],
      [0.7210685156027701, -0.04810210982882054, -0.156298473908441, -0.016169820284298322],
      [-0.2691784326121205, 0.35793306517494805, 0.5056224560952227, -5.920163281343327e-05],
    ]);
    closeAll(close, gradientOf(() => focal(w, labels), w), [
      [0.036117459953938676, 0.006598064864219036, -0.06692578223717224, 0.024210257419014534],
      [-0.28256238422682683, 0.08857759874139394, 0.03258587752529224, 0.16139890796014056],
      [0.0062214040096715065, -1.1289767471185832, 0.10230879135933482, 1.0204465517495769],
    ]);
  });

  it("is the cross entropy where gamma is 0", () => {
    setDevice(device);
    close(focal(input(x), labels, { gamma: 0 }).item(), categoricalCrossEntropyWithScores(input(x), labels).item());
    close(focal(input(x), answers, { gamma: 0 }).item(), bernoulliCrossEntropyWithScores(input(x), answers).item());
    const w = parameter([[100, -100]]);
    closeAll(close, gradientOf(() => focal(w, [0], { gamma: 0 }), w), [0, 0]);
  });

  it("stands scores of any size, with finite gradients for any gamma", () => {
    setDevice(device);
    for (const gamma of [0, 0.3, 1, 2, 5]) {
      const w = parameter([[1e4, -1e4], [-1e4, 1e4], [60, -60]]);
      close(focal(w, [0, 0, 0], { gamma }).item(), 2e4);
      closeAll(close, gradientOf(() => focal(w, [0, 0, 0], { gamma }), w), [0, 0, -1, 1, 0, 0]);
      close(focal(w, [[1, 0], [1, 0], [1, 0]], { gamma }).item(), 2e4);
      closeAll(close, gradientOf(() => focal(w, [[1, 0], [1, 0], [1, 0]], { gamma }), w), [0, 0, -1, 1, 0, 0]);
    }
  });

  it("refuses an exponent or weights that are none", () => {
    expect(() => focal(input(x), labels, { gamma: -1 })).toThrow(/focal takes a finite number of at least 0 as gamma/);
    expect(() => focal(input(x), answers, { alpha: 1.5 })).toThrow(/from 0 to 1 as alpha/);
    expect(() => focal(input(x), answers, { alpha: [1, 2, 3, 4] })).toThrow(ValueError);
    expect(() => focal(input(x), labels, { alpha: 0.25 })).toThrow(/focal got alpha of shape \[\] for 4 classes/);
    expect(() => focal(input(x), labels.map((label) => label + 2))).toThrow(/got index 4/);
  });
});
