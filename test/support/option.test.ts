/** Options that are declared once, by components and objects of one's own. */

import { describe, expect, it } from "vitest";
import { Component, option, ValueError } from "../../src/index.ts";

interface OwnOptions {
  readonly inputs: number;
  /** Twice the inputs unless given. */
  readonly hidden?: number;
  readonly places?: number | readonly number[];
  readonly kind?: "plain" | "gated";
  readonly normed?: boolean;
  readonly share?: number;
  readonly sizes?: readonly number[];
  readonly part?: Part;
}
class Part extends Component {}
class Own extends Component {
  static get options(): option.Kinds<OwnOptions, Own> {
    return {
      inputs: option.size, hidden: option.derived(option.size, ({ inputs }) => 2 * inputs), places: option.optional(option.sizes(2, 0), 1),
      kind: option.optional(option.choice<"plain" | "gated">(["plain", "gated"]), "plain"), normed: option.optional(option.flag, false),
      share: option.optional(option.fraction, 0.5), sizes: option.optional(option.list(option.size, "a list of sizes", "[8, 8]", 1), [4]),
      part: option.derived(option.instance(Part, "a part", "a Part"), () => new Part()),
    };
  }
  declare readonly inputs: number;
  declare readonly hidden: number;
  declare readonly places: readonly number[];
  declare readonly kind: "plain" | "gated";
  declare readonly normed: boolean;
  declare readonly share: number;
  declare readonly sizes: readonly number[];
  declare readonly part: Part;
  constructor(options: OwnOptions, ...others: unknown[]) {
    super();
    option.take(this, Own.options, options, [options, ...others]);
  }
  get options(): Required<OwnOptions> { return option.of(this, Own.options); }
}

describe("options", () => {
  it("become fields, with those that are not given", () => {
    const part = new Part();
    expect(new Own({ inputs: 3, part })).toEqual(Object.assign(Object.create(Own.prototype), {
      inputs: 3, hidden: 6, places: [1, 1], kind: "plain", normed: false, share: 0.5, sizes: [4], part,
    }));
    expect(new Own({ inputs: 3, hidden: 1, places: [0, 2], kind: "gated", normed: true, share: 0, sizes: [1, 2], part }))
      .toMatchObject({ hidden: 1, places: [0, 2], kind: "gated", normed: true, share: 0, sizes: [1, 2] });
    expect(new Own({ inputs: 2, hidden: undefined, part: null } as never)).toMatchObject({ hidden: 4, part: expect.any(Part) });
  });

  it("are what builds another one", () => {
    const own = new Own({ inputs: 3, kind: "gated" });
    expect(Object.keys(own.options)).toEqual(["inputs", "hidden", "places", "kind", "normed", "share", "sizes", "part"]);
    expect(new Own(own.options)).toEqual(own);
  });

  it("that a list is given as are copied", () => {
    const sizes = [1, 2];
    const own = new Own({ inputs: 1, sizes });
    sizes.push(3);
    expect(own.sizes).toEqual([1, 2]);
  });

  it.each<[string, unknown, string]>([
    ["none", undefined, "Own takes one object with the options inputs, hidden, places, kind, normed, share, sizes, part, but got undefined."],
    [
      "an unknown one", { input: 3 },
      'Own got the option "input", which it does not have. Did you mean inputs? Its options are inputs, hidden, places, kind, normed, share, sizes, part.',
    ],
    ["a missing one", {}, "Own takes an integer of at least 1 as inputs, but got undefined."],
    ["no size", { inputs: 1.5 }, "Own takes an integer of at least 1 as inputs, but got 1.5."],
    ["a text", { inputs: "3" }, 'Own takes an integer of at least 1 as inputs, but got "3".'],
    ["too many sizes", { inputs: 1, places: [1, 2, 3] }, "Own takes a number or a list of 2 numbers as places, but got an array of 3."],
    ["a size that is none", { inputs: 1, places: [1, -1] }, "Own takes an integer of at least 0 as places, but got -1."],
    ["another word", { inputs: 1, kind: "gate" }, 'Own takes "plain" or "gated" as kind, but got "gate".'],
    ["no flag", { inputs: 1, normed: 1 }, "Own takes true or false as normed, but got 1."],
    ["too large a fraction", { inputs: 1, share: 1 }, "Own takes a finite number from 0 to less than 1 as share, but got 1."],
    ["too short a list", { inputs: 1, sizes: [] }, "Own takes a list of sizes as sizes, such as [8, 8], but got an empty list."],
    ["a wrong entry", { inputs: 1, sizes: [1, true] }, "Own takes an integer of at least 1 as sizes[1], but got true."],
    ["another class", { inputs: 1, part: 3 }, "Own takes a part as part, such as a Part, but got 3."],
  ])("refuses %s", (_, options, message) => {
    expect(() => new Own(options as OwnOptions)).toThrow(new ValueError(message));
  });

  it("refuses a second argument", () => {
    expect(() => new Own({ inputs: 1 }, 2)).toThrow("Own got an argument too many, 2.");
  });

  it.each<[option.Kind<number>, readonly unknown[], readonly unknown[]]>([
    [option.size, [1, 2 ** 31], [0, 0.5, NaN, Infinity, "1", null, 1n]],
    [option.integer(-1), [-1, 0], [-2, 0.5, undefined]],
    [option.fraction, [0, 0.999], [1, -0.1, NaN, "0"]],
    [option.positive, [1e-300, 5], [0, -1, Infinity, true]],
    [option.amount, [0, 5], [-1, Infinity, NaN, [1]]],
    [option.number("an even number", (x) => x % 2 === 0), [-2, 0], [1, 0.5, Infinity]],
  ])("a kind has its bounds (%#)", (kind, allowed, refused) => {
    for (const value of allowed) expect(kind.read(value as number, "f", "x", null)).toBe(value);
    for (const value of refused) expect(() => kind.read(value as number, "f", "x", null)).toThrow(ValueError);
  });
});

describe("types", () => {
  interface Two { readonly a: number; readonly b?: boolean }
  interface Fields { readonly a: number; readonly b: boolean }
  it("a declaration has each option, no other, of its kind, and what it is where it need not be given", () => {
    const right: option.Kinds<Two, Fields> = { a: option.size, b: option.optional(option.flag, true) };
    // @ts-expect-error one is missing
    const missing: option.Kinds<Two, Fields> = { a: option.size };
    // @ts-expect-error one is not there
    const superfluous: option.Kinds<Two, Fields> = { ...right, c: option.flag };
    const misspelt: option.Kinds<Two, Fields> = {
      a: option.size, b: option.optional(option.flag, true),
      // @ts-expect-error one is not there
      c: option.flag,
    };
    // @ts-expect-error it need not be given
    const needed: option.Kinds<Two, Fields> = { a: option.size, b: option.flag };
    // @ts-expect-error another kind
    const other: option.Kinds<Two, Fields> = { a: option.flag, b: option.optional(option.flag, true) };
    // @ts-expect-error no such field
    type None = option.Kinds<Two, { readonly a: number }>;
    // @ts-expect-error a field of another type
    const field: option.Kinds<Two, { readonly a: number; readonly b: string }> = right;
    expect([right, missing, superfluous, misspelt, needed, other, field, null as None | null]).toHaveLength(8);
  });
});
