import { describe, expect, it } from "vitest";
import { activationByName, activationName, activationNames, FeedForward, registerActivation } from "../../src/components/index.ts";
import { elementwise, identity, input, relu, sigmoid, softmax, tanh, ValueError, wta } from "../../src/index.ts";

describe("activations", () => {
  it("have names", () => {
    for (const [name, f] of Object.entries({ sigmoid, tanh, relu, wta, softmax, identity })) {
      expect(activationByName(name)).toBe(f);
      expect(activationName(f)).toBe(name);
    }
    expect(activationNames()).toEqual(expect.arrayContaining(["sigmoid", "tanh", "relu", "wta", "softmax", "identity"]));
  });

  it("are functions of a Variable that keep the shape", () => {
    for (const name of activationNames()) expect(activationByName(name)(input([[1, -2, 3], [0, 0.5, -1]])).shape).toEqual([2, 3]);
  });

  it("can be added, once a name and once a function", () => {
    const softsign = registerActivation("softsign", elementwise("softsign", (x) => x.div(x.abs().add(1))));
    expect(activationByName("softsign")).toBe(softsign);
    expect(new FeedForward({ inputs: 1, hidden: [2], outputs: 1, activation: softsign }).options.activation).toBe("softsign");
    expect(registerActivation("softsign", softsign)).toBe(softsign);
    expect(() => registerActivation("softsign", (x) => x))
      .toThrow(new ValueError('registerActivation got the name "softsign", which another function has already. Choose another name.'));
    expect(() => registerActivation("mysign", softsign)).toThrow('already registered as "softsign"');
    expect(() => registerActivation("", softsign)).toThrow(ValueError);
  });

  it("without a name can be used, but not saved", () => {
    const net = new FeedForward({ inputs: 1, hidden: [2], outputs: 1, activation: (x) => x.mul(2).tanh() });
    expect(net.forward(input([1])).shape).toEqual([1]);
    expect(() => net.options).toThrow(new ValueError("This activation has no name to be saved under. Give it one with registerActivation(name, f)."));
    expect(() => activationByName("nothing")).toThrow(/^No activation is called "nothing"\. There are sigmoid, /);
  });
});
