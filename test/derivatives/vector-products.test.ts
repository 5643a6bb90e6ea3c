import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  checkGradients, detach, evaluate, grad, gradients, input, jvp, mul, parameter, pow, Random, randn, ShapeError, setDevice, softmax, sum, tanh, transpose,
  UsageError, ValueError, type Variable, vjp, zeros,
} from "../../src/index.ts";
import { cotangent, expected, f, near, tangents, w, x } from "./softmax-of-tanh.ts";

afterEach(() => setDevice("wasm"));

describe.each(["wasm", "reference"] as const)("on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  // The arrays of the figures are rounded to float32.
  const tolerance = device === "reference" ? 1e-7 : 2e-6;

  it("vjp and jvp are what PyTorch gives, outside of a step and inside", () => {
    const both = (): Variable[] => {
      const { value, gradients: found } = vjp(f, [x, w], cotangent);
      const forward = jvp(f, [x, w], tangents);
      return [value, ...found, forward.value, forward.tangent];
    };
    const figures = [expected.value, ...expected.vjp, expected.value, expected.jvp];
    for (let run = 0; run < 5; run++) {
      [both(), evaluate(both)].forEach((found) => { found.forEach((v, i) => { near(v, figures[i], tolerance); }); });
    }
  });

  it("agree with each other, and with the slope along a line, for a function without a closed form", () => {
    const random = new Random(4);
    const [a, u] = [randn([3, 4], random), randn([3, 4], random)];
    const net = (y: Variable): Variable => softmax(mul(tanh(transpose(y)), pow(y.sum(0), 2).reshape([4, 1])), 0);
    const v = randn([4, 3], random);
    const { tangent } = jvp(() => net(a), [a], [u]);
    const { gradients: [back] } = vjp(() => net(a), [a], v);
    // ⟨v, J·u⟩ = ⟨Jᵀ·v, u⟩
    expect(Math.abs(sum(mul(v, tangent)).item() - sum(mul(back, u)).item())).toBeLessThan(10 * tolerance);
    setDevice("reference");
    const h = 1e-5;
    const [more, less] = [h, -h].map((step) => net(a.add(u.mul(step))).data);
    const central = Array.from(more, (value, i) => (value - less[i]) / (2 * h));
    near(tangent, central, Math.max(1e-8, 10 * tolerance)); // central differences are good to h²
  });

  it("can be differentiated further, by parameters and by each other", () => {
    const p = parameter([0.5, -0.3, 0.8]);
    const y = input([0.2, 1.1, -0.4]);
    const curve = (): Variable => tanh(mul(p, pow(y, 2)));
    const named = new Map([["p", p]]);
    checkGradients(() => pow(jvp(curve, [y], [[1, 2, 3]]).tangent, 2).sum(), named);
    checkGradients(() => pow(vjp(curve, [y], [1, 2, 3]).gradients[0], 2).sum(), named);
    // Forward over reverse: the Hessian of Σ y³ along a direction is 6·y·direction.
    const along = jvp(() => gradients(() => pow(y, 3).sum(), [y])[0], [y], [[1, 0, 2]]).tangent;
    near(along, [1.2, 0, -4.8], 1e-5);
  });

  it("give zeros where nothing depends, and take a value that is a variable itself", () => {
    const [a, b] = [input([1, 2]), input([[3]])];
    const none = vjp(() => mul(detach(a), 2), [a, b], [1, 1]);
    expect(none.gradients.map((g) => g.toArray())).toEqual([[0, 0], [[0]]]);
    expect(jvp(() => detach(a), [a, b], [[1, 1], [[1]]]).tangent.toArray()).toEqual([0, 0]);
    expect(vjp(() => a, [a], [5, 6]).gradients[0].toArray()).toEqual([5, 6]);
    const itself = jvp(() => a, [a], [[5, 6]]);
    expect([itself.value.toArray(), itself.tangent.toArray()]).toEqual([[1, 2], [5, 6]]);
    expect(jvp(() => zeros([0]), [a], [[1, 1]]).tangent.shape).toEqual([0]);
  });

  it("leave the gradients of parameters alone, and train nothing", () => {
    const p = parameter([1, 2]);
    vjp(() => mul(p, p), [p], [1, 1]);
    jvp(() => mul(p, p), [p], [[1, 1]]);
    expect(p.grad).toBeNull();
    const loss = grad(() => jvp(() => mul(p, p), [p], [[1, 1]]).tangent.sum());
    expect([loss.item(), p.grad?.toArray()]).toEqual([6, [2, 2]]);
  });
});

describe("what vjp and jvp refuse", () => {
  const y = input([1, 2, 3]);
  const any = <T>(value: unknown): T => value as T;
  const cases: [string, () => unknown, new (message: string) => Error, RegExp][] = [
    ["a cotangent of another shape", () => vjp(() => mul(y, 2), [y], [1, 2]), ShapeError, /vjp got cotangent of shape \[2\] for an array of shape \[3\]/],
    ["a tangent of another shape", () => jvp(() => mul(y, 2), [y], [1]), ShapeError, /jvp got tangents\[0\] of shape \[\] for an array of shape \[3\]/],
    ["too few tangents", () => jvp(() => mul(y, 2), [y, y], [[1, 2, 3]]), ValueError, /a tangent for each of the 2 variables/],
    ["no cotangent", () => vjp(() => mul(y, 2), [y], any(undefined)), ValueError, /undefined/],
    ["one variable in place of a list", () => vjp(() => mul(y, 2), any(y), [1, 2, 3]), ValueError, /vjp takes a function and an array of Variables/],
    ["a number among the variables", () => jvp(() => mul(y, 2), [any(3)], [1]), ValueError, /but got 3 in it/],
    ["a function that returns no Variable", () => vjp(() => any(3), [y], [1, 2, 3]), UsageError, /must return a Variable, but returned 3/],
    ["an asynchronous function", () => jvp(any(async () => y), [y], [y]), UsageError, /is async/],
    ["further arguments", () => any<(...args: unknown[]) => void>(vjp)(() => y, [y], y, 5), ValueError, /an argument too many/],
  ];
  it.each(cases)("%s", (_, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});
