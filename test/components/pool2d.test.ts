import { describe, expect, it } from "vitest";
import { AveragePool2d, MaxPool2d, type Pool2dOptions } from "../../src/components/index.ts";
import { full, input, parameter, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, probe } from "./plain.ts";

const x = draw([2, 3, 5, 6]);
const images = x.toArray() as unknown as number[][][][];

function plain(image: number[][], [kh, kw]: readonly number[], [sh, sw]: readonly number[], f: (values: number[]) => number): number[][] {
  return Array.from({ length: Math.floor((image.length - kh) / sh) + 1 }, (_, y) =>
    Array.from({ length: Math.floor((image[0].length - kw) / sw) + 1 }, (_, x) =>
      f(image.slice(y * sh, y * sh + kh).flatMap((row) => row.slice(x * sw, x * sw + kw)))));
}

const kinds: Pool2dOptions[] = [{ size: 2 }, { size: 1 }, { size: [3, 2] }, { size: 3, stride: [1, 2] }, { size: [5, 6] }];

describe.each(kinds)("pooling %j", (options) => {
  const [largest, average] = [new MaxPool2d(options), new AveragePool2d(options)];

  it("summarises each window, for an image as in a batch", () => {
    const by = (f: (values: number[]) => number) => images.map((image) => image.map((channel) => plain(channel, largest.size, largest.stride, f)));
    const [expectedMax, expectedMean] = [by((values) => Math.max(...values)), by((values) => values.reduce((a, b) => a + b) / values.length)];
    expectValue(() => largest.forward(x), expectedMax);
    expectValue(() => average.forward(x), expectedMean);
    expectValue(() => largest.forward(input(images[1])), expectedMax[1]);
  });

  it("has right gradients", () => {
    const image = parameter(x);
    expectGradients(() => probe(largest.forward(image)), new Map([["image", image]]), { maxEntries: 30 });
    expectGradients(() => probe(average.forward(image)), new Map([["image", image]]), { maxEntries: 30 });
  });
});

describe("pooling", () => {
  it("has negative results where all is negative", () => {
    expectValue(() => new MaxPool2d({ size: 2 }).forward(input([[[-3, -2], [-5, -4]]])), [[[-2]]]);
  });

  it("has a mean of equal numbers that is each of them, for any window", () => {
    for (let height = 1; height <= 12; height++) {
      for (let width = 1; width <= 12; width++) {
        expectValue(() => new AveragePool2d({ size: [height, width] }).forward(full([1, height, width], 3)).equal(3), [[[1]]]);
      }
    }
  });

  it("refuses what does not fit", () => {
    expect(() => new MaxPool2d({ size: 3 }).forward(draw([1, 2, 4])))
      .toThrow(new ShapeError("MaxPool2d got an image of height 2 (with padding), which is less than the size 3 of its window."));
    expect(() => new AveragePool2d({ size: 3 }).forward(draw([4, 4]))).toThrow("AveragePool2d got x of shape [4, 4]");
    expect(() => new MaxPool2d({} as never)).toThrow(ValueError);
  });
});
