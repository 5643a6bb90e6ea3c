import { expect, it } from "vitest";
import { cost, input, parameter, setDevice, sigmoid, zeros } from "../../src/index.ts";
import { ShapeError } from "../../src/support/errors.ts";
import { closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { answers, x } from "./pytorch.ts";

const { dice } = cost;

onDevices("dice", (close, device) => {
  // The formula, computed in PyTorch: 1 − (2 Σ p·t + s) / (Σ p + Σ t + s) of p = sigmoid(x).
  it("is how little regions overlap", () => {
    setDevice(device);
    closeAll(close, dice(sigmoid(input(x)), answers, { reduction: "none" }), [0.23826366872960336, 0.3419496339325976, 0.4124261622262231]);
    closeAll(close, dice(sigmoid(input(x)), answers, { reduction: "none", smooth: 1e-5 }), [0.2941972138006439, 0.40486766659871876, 0.5069150459598204]);
    const w = parameter(x);
    closeAll(close, gradientOf(() => dice(sigmoid(w), answers), w), [
      [-0.05532558141937318, 0.025763518829335256, -0.02471803999747288, 0.03611582398941033],
      [0.015252409072697818, -0.05098088931777194, -0.04623741109682661, -0.042856339598047924],
      [-0.027642568814537985, 0.026314501695262817, 0.023428409224085248, -0.01085998593176207],
    ]);
    expect(dice(zeros([2, 3, 64]), zeros([2, 3, 64]), { reduction: "none" }).shape).toEqual([2, 3]);
  });

  it("costs nothing where both are empty, smooth or not", () => {
    setDevice(device);
    const w = parameter([[0, 0], [0, 0]]);
    expect(dice(w, [[0, 0], [0, 0]]).item()).toBe(0);
    expect(dice(w, [[0, 0], [0, 1]], { smooth: 0, reduction: "none" }).toArray()).toEqual([0, 1]);
    closeAll(close, gradientOf(() => dice(w, [[0, 0], [0, 1]], { smooth: 0 }), w), [0, 0, 0, -2]);
  });

  it("refuses what is no region", () => {
    expect(() => dice(input(0.5), 1)).toThrow(ShapeError);
    expect(() => dice(input([0.5, 0.5]), [0, 2])).toThrow("dice takes targets from 0 to 1, but got 2.");
    expect(() => dice(input([0.5]), [1], { smooth: -1 })).toThrow(/at least 0 as smooth/);
  });
});
