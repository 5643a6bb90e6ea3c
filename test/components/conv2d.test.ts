import { describe, expect, it } from "vitest";
import { Conv2d, type Conv2dOptions } from "../../src/components/index.ts";
import { input, parameter, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, probe, randomize, vector } from "./plain.ts";

type Image = number[][][];

/** Six loops. */
function plain(conv: Conv2d, image: Image): Image {
  const w = conv.w.toArray() as number[][][][];
  const [[kh, kw], [sh, sw], [ph, pw]] = [conv.size, conv.stride, conv.padding];
  const [height, width] = [image[0].length, image[0][0].length];
  return w.map((kernel, o) =>
    Array.from({ length: Math.floor((height + 2 * ph - kh) / sh) + 1 }, (_, y) =>
      Array.from({ length: Math.floor((width + 2 * pw - kw) / sw) + 1 }, (_, x) => {
        let sum = vector(conv.b)[o];
        for (let c = 0; c < image.length; c++) {
          for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) sum += kernel[c][i][j] * (image[c][y * sh + i - ph]?.[x * sw + j - pw] ?? 0);
        }
        return sum;
      })));
}

const kinds: Conv2dOptions[] = [
  { inputs: 2, outputs: 3, size: 3 },
  { inputs: 2, outputs: 3, size: 1 },
  { inputs: 2, outputs: 1, size: [2, 3], stride: [1, 2], padding: [2, 1] },
  { inputs: 2, outputs: 2, size: 2, stride: 3 },
  { inputs: 2, outputs: 2, size: [5, 6] },
];

describe.each(kinds)("Conv2d %j", (options) => {
  const conv = randomize(new Conv2d(options));
  const x = draw([2, 2, 5, 6]);
  const images = x.toArray() as unknown as Image[];

  it("is a sum over windows, for an image as in a batch", () => {
    const expected = images.map((image) => plain(conv, image));
    expectValue(() => conv.forward(x), expected);
    expectValue(() => conv.forward(input(images[1])), expected[1]);
    expectValue(() => conv.forward(x.reshape([1, 2, 2, 5, 6])), [expected]);
  });

  it("has right gradients, also of its input", () => {
    expectGradients(() => probe(conv.forward(x)), conv, { maxEntries: 20 });
    const image = parameter(x);
    expectGradients(() => probe(conv.forward(image)), new Map([["image", image]]), { maxEntries: 20 });
  });
});

describe("Conv2d", () => {
  it("begins with variance 2 / fan-in", () => {
    const { w } = new Conv2d({ inputs: 8, outputs: 100, size: 5 });
    const meanSquare = w.mul(w).mean().item();
    // The mean of 20000 squares of variance 2/200: relative standard error √(2/20000); five of them.
    expect(Math.abs(meanSquare / 0.01 - 1)).toBeLessThan(5 * Math.sqrt(2 / 20000));
  });

  it("takes a batch without images", () => {
    expectClose(new Conv2d({ inputs: 1, outputs: 2, size: 3 }).forward(draw([0, 1, 4, 4])).shape as number[], [0, 2, 2, 2]);
  });

  it("refuses what does not fit", () => {
    const conv = new Conv2d({ inputs: 2, outputs: 1, size: 3 });
    expect(() => conv.forward(draw([4, 4]))).toThrow(new ShapeError("Conv2d got x of shape [4, 4]; it takes images [..., channels, height, width]."));
    expect(() => conv.forward(draw([3, 4, 4]))).toThrow("Conv2d got x of shape [3, 4, 4], but it must have 2 channels: [..., 2, height, width].");
    expect(() => conv.forward(draw([2, 4, 2]))).toThrow("Conv2d got an image of width 2 (with padding), which is less than the size 3 of its window.");
    expect(() => new Conv2d({ inputs: 2, outputs: 1, size: [3] as never }))
      .toThrow(new ValueError("Conv2d takes a number or a list of 2 numbers as size, but got an array of 1."));
    expect(() => new Conv2d({ inputs: 2, outputs: 1, size: 3, stride: 0 })).toThrow("Conv2d takes an integer of at least 1 as stride, but got 0.");
    expect(() => new Conv2d({ inputs: 2, outputs: 1, size: [3, 5], padding: "same" as never }))
      .toThrow(/Conv2d takes numbers as padding, but got "same".* it is \[1, 2\]/);
    expect(new Conv2d({ inputs: 2, outputs: 1, size: [3, 5], padding: [1, 2] }).forward(draw([2, 6, 7])).shape).toEqual([1, 6, 7]);
    expect(() => conv.forward(draw([5, 8, 9, 2])))
      .toThrow("The channels seem to come last here: bring them before height and width with x.permute([0, 3, 1, 2]).");
    expect(() => conv.forward(draw([8, 9, 2]))).toThrow("x.permute([2, 0, 1])");
    expect(() => new Conv2d({ inputs: 2, outputs: 1, size: 3, padding: -1 })).toThrow("Conv2d takes an integer of at least 0 as padding, but got -1.");
  });
});
