import { expect, it } from "vitest";
import { cost, input, logSoftmax, parameter, setDevice } from "../../src/index.ts";
import { closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { shares, t, x } from "./pytorch.ts";

const { klDivergence } = cost;

onDevices("klDivergence", (close, device) => {
  it("is PyTorch's kl_div", () => {
    setDevice(device);
    const logs = logSoftmax(input(x));
    const each = [0.23714131955968762, 0.7224928443775448, 1.2987484428817102];
    closeAll(close, klDivergence(logs, shares, { reduction: "none" }), each);
    close(klDivergence(logs, shares, { reduction: "mean" }).item(), 0.7527942022729807); // "batchmean"
    const log = logSoftmax(input(t));
    closeAll(close, klDivergence(logs, log, { reduction: "none", logTarget: true }), [0.21609073360409461, 0.05272413812116793, 0.43913213497838727]);
    const [w, v] = [parameter(x), parameter(t)];
    const f = () => klDivergence(logSoftmax(w), logSoftmax(v), { logTarget: true });
    closeAll(close, gradientOf(f, w), [
      [-0.11026921501417469, -0.060414169762109934, 0.30748020956890537, -0.13679682479262076],
      [-0.005401387101810595, -0.1023304514187266, -0.0005984907504181791, 0.1083303292709552],
      [-0.0045119952939907835, 0.030879736236029933, -0.3484865742824088, 0.3221188333403697],
    ]);
    closeAll(close, gradientOf(f, v), [
      [0.08410368438329184, 0.08154733286439893, -0.3145354141023337, 0.1488843968546429],
      [-0.021743865364354728, 0.11717109855318128, -0.0024092889573758738, -0.09301794423145074],
      [0.0018056199456729226, -0.03203301796228568, 0.5146312186865261, -0.4844038206699134],
    ]);
  });

  it("takes nothing for nothing, also where the model excludes it", () => {
    setDevice(device);
    const [w, v] = [parameter([0, -Infinity]), parameter([1, 0])];
    expect(klDivergence(w, v).item()).toBe(0);
    expect(gradientOf(() => klDivergence(w, v), w).map((x) => x + 0)).toEqual([-1, 0]);
    expect(gradientOf(() => klDivergence(w, v), v)).toEqual([1, 0]);
    const log = parameter([0, -Infinity]);
    expect(klDivergence(w, log, { logTarget: true }).item()).toBe(0);
    expect(gradientOf(() => klDivergence(w, log, { logTarget: true }), log).every(Number.isFinite)).toBe(true);
    expect(klDivergence(w, [0.5, 0.5]).item()).toBe(Infinity);
    expect(klDivergence(input([0, NaN]), [0.5, 0.5]).item()).toBeNaN();
  });

  it("refuses a target that is no probability", () => {
    expect(() => klDivergence(input([0, 0]), [0.5, 1.5])).toThrow("klDivergence takes targets from 0 to 1, but got 1.5.");
    expect(() => klDivergence(input([0, 0]), [-1, -0.5])).toThrow("klDivergence takes targets from 0 to 1, but got -1.");
    expect(() => klDivergence(input([0, 0]), [1, 0], { logTarget: 1 as never })).toThrow(/true or false as logTarget/);
  });
});
