import { describe, expect, it } from "vitest";
import { add, grad, mul, parameter, sum, type Variable, zeros } from "../../src/index.ts";
import { fastDevices, on } from "../operations/harness.ts";

describe.each(fastDevices)("gradients that arrive in many ways, on %s", (_, device) => {
  it.each([2, 8, 9, 64, 65, 66, 513, 3000])("are added up in parts, and parts of these: %i", (uses) => {
    on(device, () => {
      // More elements than like operations are stacked for: each use has a gradient of its own.
      const w = parameter(zeros([4100]));
      grad(() => {
        let total: Variable | null = null;
        for (let i = 0; i < uses; i++) {
          const use = sum(mul(w, 0.1 + (i % 3)));
          total = total === null ? use : add(total, use);
        }
        return total as Variable;
      });
      let exact = 0;
      for (let i = 0; i < uses; i++) exact += Math.fround(0.1 + (i % 3));
      // Eight are added up at a time: seven roundings for each factor of eight.
      const roundings = 7 * Math.ceil(Math.log(uses) / Math.log(8) - 1e-9);
      for (const value of (w.grad as Variable).data) expect(Math.abs(value / exact - 1)).toBeLessThanOrEqual(roundings * 2 ** -24);
    });
  });
});
