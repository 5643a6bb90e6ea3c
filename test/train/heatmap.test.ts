import { describe, expect, it } from "vitest";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { heatmap } from "../../src/train/index.ts";

const cells = (html: string) =>
  [...html.matchAll(/<rect class="cell"[^>]* fill-opacity="([\d.]+)"><title>(.*?)<\/title>/g)].map((match) => [Number(match[1]), match[2]]);

describe("heatmap", () => {
  it("has a cell for each value, from 0 or the least to the greatest", () => {
    expect(cells(heatmap([[0, 1], [2, 4]], { rows: ["a", "b"], columns: ["x", "y"] })))
      .toEqual([[0, "a × x: 0"], [0.25, "a × y: 1"], [0.5, "b × x: 2"], [1, "b × y: 4"]]);
    expect(cells(heatmap([[1, 2]])).map(([share]) => share)).toEqual([0.5, 1]);
    expect(cells(heatmap([[-1, 0, 3]])).map(([share]) => share)).toEqual([0, 0.25, 1]);
    expect(cells(heatmap([[1, 2, 5, NaN]], { range: [1, 3] })).map(([share]) => share)).toEqual([0, 0.5, 1, 0]);
    expect(cells(heatmap([[-Number.MAX_VALUE, 0, Number.MAX_VALUE]])).map(([share]) => share)).toEqual([0, 0.5, 1]);
    expect(cells(heatmap([[-Infinity, NaN, Infinity]])).map(([share]) => share)).toEqual([0, 0, 1]);
    expect(cells(heatmap([[0]]))).toEqual([[0, "row 0 × column 0: 0"]]);
  });

  it("takes Variables and typed arrays", () => {
    expect(cells(heatmap(input([[1, 2, 3]])))).toHaveLength(3);
    expect(cells(heatmap([Float32Array.of(1, 2)]))).toHaveLength(2);
  });

  it("escapes all text", () => {
    const html = heatmap([[1]], { rows: ["<script>"], columns: ['"&'], title: "</svg><img src=x onerror=alert(1)>", rowTitle: "<i>", columnTitle: "<b>" });
    for (const tag of ["<script", "<img", "<i>", "<b>"]) expect(html).not.toContain(tag);
    expect(html).toContain("&lt;script&gt; × &quot;&amp;: 1");
  });

  it.each<[unknown, object, new (...a: never[]) => Error]>([
    [[1, 2], {}, ShapeError], [[], {}, ShapeError], [[[]], {}, ShapeError], [[[1, 2], [3]], {}, ShapeError], [input([1, 2]), {}, ShapeError],
    [[["1"]], {}, ValueError],
    [[[1]], { rows: ["a", "b"] }, ShapeError], [[[1]], { columns: [] }, ShapeError], [[[1]], { range: [1, 1] }, ValueError], [[[1]], { cell: 0 }, ValueError],
  ])("refuses %j, %j", (values, options, kind) => { expect(() => heatmap(values as never, options)).toThrow(kind); });
});
