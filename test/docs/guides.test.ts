/** Whoever adds a component, an optimizer or a cost gives it a row in the table of its guide. (That operations have one, operations/registry.test.ts says.) */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cost } from "../../src/index.ts";
import { libraryComponents } from "../../src/io/registry.ts";
import { optimizers } from "../optimizers/exported.ts";

/** The names in the first table of a guide. */
function namesIn(guide: string): string[] {
  const text = readFileSync(new URL(`../../docs/${guide}`, import.meta.url), "utf8");
  const [table] = /^\|.*\n\| ---.*\n(?:\|.*\n)+/m.exec(text) ?? [];
  return [...(table ?? "").matchAll(/`([\w.]+)`/g)].map(([, name]) => name);
}

describe.each([
  ["components.md", Object.keys(libraryComponents)],
  ["optimizers.md", optimizers.map(([name]) => name)],
  ["cost.md", Object.keys(cost).map((name) => `cost.${name}`)],
])("the table of %s", (guide, exported) => {
  it("names all that is exported", () => {
    expect(exported.length).toBeGreaterThan(5);
    expect(exported.filter((name) => !namesIn(guide).includes(name)), "These need a row.").toEqual([]);
  });
});
