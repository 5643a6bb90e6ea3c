import { expect, it } from "vitest";
import { cost, input, parameter, setDevice } from "../../src/index.ts";
import { ValueError } from "../../src/support/errors.ts";
import { closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { t, x } from "./pytorch.ts";

const { huber, mae } = cost;

onDevices("mae and huber", (close, device) => {
  it("are PyTorch's l1_loss and huber_loss", () => {
    setDevice(device);
    closeAll(close, mae(input(x), t, { reduction: "none" }), [2.2, 2.0, 3.5]);
    close(mae(input(x), t, { reduction: "mean" }).item(), 7.7 / 3);
    closeAll(close, huber(input(x), t, { reduction: "none", delta: 0.5 }), [0.73, 0.625, 1.335]);
    closeAll(close, huber(input(x), t, { reduction: "none" }), [1.105, 0.75, 2.085]);
    const w = parameter(x);
    closeAll(close, gradientOf(() => huber(w, t, { delta: 0.5 }), w), [[0.4, -0.2, 0.5, 0.1], [-0.5, -0.5, -0.5, 0], [-0.5, 0.4, -0.5, 0.1]]);
  });

  it("have finite gradients at their kinks and for large errors", () => {
    setDevice(device);
    const w = parameter([0, 1, -1, 1e30, -1e30]);
    expect(gradientOf(() => mae(w, [0, 0, 0, 0, 0]), w).map((x) => x + 0)).toEqual([0, 1, -1, 1, -1]);
    expect(gradientOf(() => huber(w, [0, 0, 0, 0, 0]), w).map((x) => x + 0)).toEqual([0, 1, -1, 1, -1]);
    close(huber(w, [0, 0, 0, 0, 0]).item() / 2e30, 1);
    expect(huber(input([3]), [1], { delta: 0 }).item()).toBe(0);
  });

  it("refuse a delta that is none", () => {
    for (const delta of [-1, NaN, Infinity, "1"]) {
      expect(() => huber(input([1]), [1], { delta: delta as number })).toThrow(ValueError);
      expect(() => huber(input([1]), [1], { delta: delta as number })).toThrow(/huber takes a finite number of at least 0 as delta/);
    }
    expect(() => mae(input([1]), [1], { delta: 1 } as object)).toThrow(/mae got the option "delta"/);
  });
});
