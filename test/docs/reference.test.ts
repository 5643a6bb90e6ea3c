/** The reference that TypeDoc writes: everything is in it, where one looks for it, and nothing is amiss. */

import path from "node:path";
import { Application, type DeclarationReflection, type ProjectReflection, ReflectionKind, TSConfigReader, TypeDocReader } from "typedoc";
import { beforeAll, describe, expect, it } from "vitest";
import { entries, root } from "../../scripts/package.js";

let project: ProjectReflection;
const complaints: string[] = [];

beforeAll(async () => {
  const app =
    await Application.bootstrapWithPlugins({ options: root, packageOptions: {}, skipErrorChecking: true }, [new TypeDocReader(), new TSConfigReader()]);
  for (const level of ["warn", "error"] as const) app.logger[level] = (text: string) => { complaints.push(text); };
  project = await app.convert() as ProjectReflection;
  app.validate(project);
}, 120_000);

const mainModule = (): DeclarationReflection => project.children?.find(({ name }) => name === "flimsy-ml") as DeclarationReflection;

describe("the reference", () => {
  it("has no warnings", () => {
    expect(complaints).toEqual([]);
  });

  it("has a page for each entry, by a name that a file can have", () => {
    const names = project.children?.map(({ name }) => name).sort();
    expect(names).toEqual(entries.map(({ specifier }) => path.basename(specifier)).sort());
  });

  it("has all of the main module in categories", () => {
    const titles = mainModule().categories?.map(({ title }) => title) ?? [];
    expect(titles.length).toBeGreaterThan(10);
    expect(mainModule().categories?.find(({ title }) => title === "Other")?.children.map(({ name }) => name) ?? []).toEqual([]);
  });

  it("lists what can be called as functions", () => {
    const isCallable = ({ type }: DeclarationReflection): boolean => type?.type === "reflection" && type.declaration.signatures !== undefined;
    const variables = (project.children ?? []).flatMap((module) => module.getChildrenByKind(ReflectionKind.Variable));
    expect(variables.filter(isCallable).map(({ name }) => name)).toEqual([]);
  });
});
