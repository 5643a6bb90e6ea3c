/** No component may be forgotten: each that is exported is computed once more, in plain numbers, by the test of its file. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import { Component } from "../../src/index.ts";

const classes = Object.entries(components).filter(([, value]) => typeof value === "function" && value.prototype instanceof Component);
/** What others extend is tested by them. */
const concrete = classes.filter(([, value]) => !classes.some(([, other]) => (other as typeof value).prototype instanceof value));
const tests =
  readdirSync(import.meta.dirname).filter((file) => file.endsWith(".test.ts")).map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"));

describe("components", () => {
  it.each(concrete.map(([name]) => name))("%s has a test that computes it independently", (name) => {
    const own = tests.filter((text) => text.includes(`new ${name}(`) && text.includes('from "./plain.ts"') && /expect(Value|Close)\(/.test(text));
    expect(own.length, `${name} needs a small case in plain numbers, by the means of plain.ts.`).toBeGreaterThan(0);
  });
});
