import { describe, expect, it } from "vitest";
import { input, parameter, ValueError } from "../../src/index.ts";
import { atOnce, type Search, whenKnown } from "../../src/optimizers/search.ts";

function* halving(from: number): Search<number> {
  const x = parameter(from);
  let steps = 0;
  for (; x.item() > 1; steps++) {
    x.assign(x.mul(0.5));
    yield x;
  }
  return steps;
}

describe("a search", () => {
  it("gives the same at once and when what it looks at is known", async () => {
    expect(atOnce(halving(40))).toBe(6);
    expect(await whenKnown(halving(40))).toBe(6);
    expect(await whenKnown(halving(1))).toBe(0);
  });

  it("is told what goes wrong where it looks, and may go on", async () => {
    const wrong = { get x(): never { throw new ValueError("no such number"); } };
    const search = function* (): Search<string> {
      try {
        yield wrong;
      } catch (error) {
        yield input(1);
        return (error as Error).message;
      }
      return "";
    };
    expect(await whenKnown(search())).toBe("no such number");
    await expect(whenKnown((function* (): Search<void> { yield wrong; })())).rejects.toThrow(ValueError);
  });
});
