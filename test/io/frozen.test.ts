/** Which parameters are frozen, in files. */

import { describe, expect, it } from "vitest";
import { Adam, Component, grad, parameter } from "../../src/index.ts";
import { FeedForward } from "../../src/components/index.ts";
import { CheckpointError, restore, serialize, serializeTensors } from "../../src/io/index.ts";
import { edited } from "./mutations.ts";

const make = (): FeedForward => new FeedForward({ inputs: 2, hidden: [3], outputs: 1 });
const frozen = (θ: Component): boolean[] => θ.parameters().map((p) => p.isFrozen);

describe("frozen parameters", () => {
  it("are frozen in a component that is made again", () => {
    const θ = make();
    θ.w[0].freeze();
    θ.b[1].freeze();
    expect(frozen(restore(serialize(θ)).component)).toEqual([true, false, false, true]);
    expect(frozen(restore(serialize(θ.unfreeze())).component)).toEqual([false, false, false, false]);
  });

  it("are as they were where training goes on", () => {
    const θ = make();
    θ.w[0].freeze();
    const bytes = serialize(θ, { optimizer: new Adam(θ) });
    const again = make().freeze();
    restore(bytes, { into: again, optimizer: new Adam(again) });
    expect(frozen(again)).toEqual([true, false, false, false]);
  });

  it("are added to those of a component that values are only loaded into", () => {
    const θ = make();
    θ.w[0].freeze();
    const into = make();
    into.b[0].freeze();
    grad(() => into.w[0].sum());
    restore(serialize(θ), { into });
    expect([frozen(into), into.w[0].grad]).toEqual([[true, false, true, false], null]);
    const { tensors } = { tensors: new Map(θ.namedParameters()) };
    restore(serializeTensors(tensors), { into: θ }); // which says nothing of it
    expect(frozen(θ)).toEqual([true, false, false, false]);
  });

  it("may be shared, and known by other paths", () => {
    class Tied extends Component {
      readonly first = parameter([1]);
      readonly second = this.first;
      readonly third = parameter([2]);
    }
    class Turned extends Component {
      readonly second = parameter([1]);
      readonly third = parameter([2]);
      readonly first = this.second;
    }
    const tied = new Tied();
    tied.first.freeze();
    const into = new Turned();
    restore(serialize(tied), { into });
    expect([into.first.isFrozen, into.third.isFrozen]).toEqual([true, false]);
  });

  it("are not named by older files, and must be there", () => {
    const θ = make();
    θ.w[0].freeze();
    const older = edited(serialize(θ), ({ training }) => { Reflect.deleteProperty(training, "frozen"); });
    expect(frozen(restore(older).component)).toEqual([false, false, false, false]);
    for (const wrong of [["x"], [3], "w.0", {}]) {
      expect(() => restore(edited(serialize(θ), ({ training }) => { Object.assign(training, { frozen: wrong }); }))).toThrow(CheckpointError);
    }
  });
});
