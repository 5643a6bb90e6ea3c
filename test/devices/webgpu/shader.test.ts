import { expect, it } from "vitest";
import { columnsParameters, gatherParameters, productParameters, randomParameters, scatterAddParameters } from "../../../src/kernels/kernel.ts";
import { parameterNames } from "../../../src/devices/webgpu/shader.ts";

it("the parameters of a kind have the names in WGSL that they have in its layout", () => {
  const layouts = {
    columns: columnsParameters, gather: gatherParameters, scatterAdd: scatterAddParameters, product: productParameters, random: randomParameters,
  };
  const names = Object.entries(layouts).map(([kind, layout]) => [kind, Object.keys(layout).join(" ")]);
  expect(parameterNames).toEqual(Object.fromEntries(names));
});
