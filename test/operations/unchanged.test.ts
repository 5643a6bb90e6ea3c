/** What changes nothing gives a new Variable all the same: by one that was not used, the gradient is 0. */

import { describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import {
  broadcastTo, concat, decat, dropout, evaluate, flip, gradients, input, pad, permute, pow, reshape, slice, squeeze, transpose, unsqueeze, type Variable,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";
import { describeOnEach } from "./harness.ts";

const x = input([[1, 2, 3]]);

/** Uses that leave every element where it is. */
const unchanged: Record<string, (x: Variable) => Variable> = {
  "permute in order": (v) => permute(v, [0, 1]),
  "permute of an axis of size 1": (v) => permute(v, [1, 0]),
  "transpose of an axis with itself": (v) => transpose(v, 1, 1),
  "transpose of a vector": (v) => transpose(slice(v, 0)),
  "reshape to the same": (v) => reshape(v, [1, 3]),
  "reshape to the same with -1": (v) => v.reshape([-1, 3]),
  "broadcastTo the same": (v) => broadcastTo(v, [1, 3]),
  "slice without ranges": (v) => slice(v),
  "slice of everything": (v) => v.slice(null, [0, 3]),
  "slice far beyond": (v) => v.slice([-9, 9], [undefined, undefined, 1]),
  "flip of no axis": (v) => flip(v, []),
  "flip of an axis of size 1": (v) => flip(v, 0),
  "pad by nothing": (v) => pad(v, [[0, 0], [0, 0]]),
  "concat of one": (v) => concat([v]),
  "decat of one, joined again": (v) => concat([decat(v)[0]]),
  "squeeze of no axis": (v) => squeeze(v, []),
  "squeeze without axes of size 1": (v) => squeeze(slice(v, 0)),
  "unsqueeze and back": (v) => squeeze(unsqueeze(v, 0), 0),
  "sum over no axis": (v) => v.sum([]),
  "mean over no axis": (v) => v.mean([]),
  "max over no axis": (v) => v.max([]),
  "pow of 1": (v) => pow(v, 1),
  "dropout outside of training": (v) => dropout(v, 0.5),
  "dropout of nothing": (v) => dropout(v, 0),
  "identity": (v) => v.identity(),
  "detach": (v) => v.detach(),
  "gradnorm": (v) => v.gradnorm(),
  "the component Dropout": (v) => new components.Dropout({ p: 0.5 }).forward(v),
};

describeOnEach("what changes nothing", () => {
  describe.each(Object.entries(unchanged))("%s", (_, f) => {
    it("is a new Variable with the same elements", () => {
      expect(f(x)).not.toBe(x);
      expect([...f(x).data]).toEqual([1, 2, 3]);
      evaluate(() => {
        const y = x.mul(1);
        expect(f(y)).not.toBe(y);
        return y;
      });
    });

    it("has no gradient where the result was made of x itself", () => {
      let used: Variable[] = [];
      const [by, all] = gradients(() => {
        used = [f(x)];
        return x.mul(x).sum();
      }, [f(x), x]);
      expect(used[0]).not.toBe(x);
      expect([...by.data]).toEqual([0, 0, 0]);
      expect([...all.data]).toEqual([2, 4, 6]);
    });
  });

  it("is no launch", () => {
    const launches = (f: (x: Variable) => Variable): number =>
      Object.values(launchesOf(() => evaluate(() => f(x.mul(2))))).reduce<number>((sum, n) => sum + (n ?? 0), 0);
    for (const [name, f] of Object.entries(unchanged)) {
      if (!/^(sum|mean|max)/.test(name)) expect(launches(f), name).toBe(launches((v) => v));
    }
  });
});
