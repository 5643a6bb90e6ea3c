import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { isContainer, keysOf, nameOfPath, places } from "../../src/support/places.ts";

class Part {
  constructor(readonly name: string, readonly held: unknown = null) {}
}

const isPart = (value: unknown): boolean => value instanceof Part;

const pathsTo = (root: object, found: (value: unknown) => boolean, goesOn = isPart): string[] =>
  [...places(root, goesOn)].filter(({ value }) => found(value)).map((place) => nameOfPath(keysOf(place)));

test("fields, lists, maps and plain objects are gone through in their order", () => {
  const root = new Part("root", { list: [1, [2]], map: new Map<unknown, unknown>([["a", 3], [7, { b: 4 }]]), "": { c: 5 }, last: new Part("part", 6) });
  expect(pathsTo(root, Number.isFinite)).toEqual(["held.list.0", "held.list.1.0", "held.map.a", "held.map.7.b", "held..c", "held.last.held"]);
  expect(pathsTo({ "": { a: 1 } }, Number.isFinite)).toEqual(["a"]);
});

test("of other objects, only the fields of parts", () => {
  class Other { value = 1; }
  const root = [new Other(), new Part("part", 2), new Set([3]), new Float32Array(4)];
  expect(pathsTo(root, Number.isFinite)).toEqual(["1.held"]);
  expect(pathsTo(root, Number.isFinite, () => false)).toEqual([]);
  expect(pathsTo(root, isPart, () => false)).toEqual(["1"]);
});

test("what is held twice appears twice, but nothing goes through itself", () => {
  const shared = [1];
  const root: { first: unknown; again: unknown; self?: unknown } = { first: shared, again: new Part("part", shared) };
  root.self = root;
  expect(pathsTo(root, Number.isFinite)).toEqual(["first.0", "again.held.0"]);
  expect(pathsTo(root, (value) => value === root)).toEqual(["self"]);
});

test("a place says where it is: in what, under which key, how deep", () => {
  const map = new Map([[{ any: "key" }, 1]]);
  const [outer, inner] = [...places({ map }, isPart)];
  expect(outer).toMatchObject({ key: "map", value: map, outer: null, depth: 1 });
  expect(inner).toMatchObject({ holder: map, key: { any: "key" }, value: 1, outer, depth: 2 });
});

test("containers of another realm", () => {
  const root = runInNewContext("({ list: [1], map: new Map([['a', 2]]), none: Object.create(null), date: new Date(0) })") as Record<string, object>;
  expect(Object.values(root).map(isContainer)).toEqual([true, true, true, false]);
  expect(pathsTo(root, Number.isFinite)).toEqual(["list.0", "map.a"]);
});

test("a hundred thousand levels need no stack", () => {
  let root: unknown[] = [1];
  for (let i = 0; i < 1e5; i++) root = [root];
  expect([...places(root, isPart)].at(-1)?.depth).toBe(1e5 + 1);
});

test("nobody goes further than is asked", () => {
  const endless = places({ get a(): unknown { return { get b(): unknown { throw new Error("read too far"); } }; } }, isPart);
  expect(endless.next().value).toMatchObject({ key: "a" });
});
