import { describe, expect, it } from "vitest";
import { Random, ValueError } from "../../src/index.ts";
import { type BabiStory, BabiTask, formatBabi, words } from "../../src/synthetic/index.ts";

/** Reads sentences and answers a question from them alone, or gives null: another view of the world than the generator's. */
function answer(sentences: readonly string[], question: string): string | null {
  const where = new Map<string, string>();
  const holder = new Map<string, string>();
  const paths = new Map<string, string[]>();
  const visit = (thing: string, place: string | undefined): void => {
    const path = paths.get(thing) ?? [];
    if (place !== undefined && path[path.length - 1] !== place) paths.set(thing, [...path, place]);
  };
  for (const sentence of sentences) {
    const [, person, verb, thing] = /^(\w+) (.*?) the (\w+)( there)?\.$/.exec(sentence) as string[];
    if (/ to$/.test(verb)) {
      where.set(person, thing);
      for (const [held, by] of holder) if (by === person) visit(held, thing);
    } else if (["got", "took", "grabbed", "picked up"].includes(verb)) {
      visit(thing, where.get(person));
      holder.set(thing, person);
    } else {
      expect(["dropped", "discarded", "left", "put down"]).toContain(verb);
      visit(thing, where.get(person));
      holder.delete(thing);
    }
  }
  const person = /^Where is (\w+)\?$/.exec(question);
  if (person !== null) return where.get(person[1]) ?? null;
  const thing = /^Where is the (\w+)\?$/.exec(question);
  if (thing !== null) return paths.get(thing[1])?.at(-1) ?? null;
  const [, name, place] = /^Where was the (\w+) before the (\w+)\?$/.exec(question) as string[];
  const path = paths.get(name) ?? [];
  const at = path.indexOf(place);
  expect(path.lastIndexOf(place)).toBe(at); // the question has one answer
  return at > 0 ? path[at - 1] : null;
}

describe.each([1, 2, 3] as const)("BabiTask with %i supporting facts", (facts) => {
  const task = new BabiTask(facts, { random: new Random(facts) });
  const stories = task.sample(250);

  it("asks what the story answers", () => {
    for (const { story, question, answer: expected } of stories) expect(answer(story, question)).toBe(expected);
  });

  it("names the sentences that are enough for the answer, and none that is not needed", () => {
    for (const { story, question, answer: expected, supporting } of stories) {
      expect(supporting).toHaveLength(facts);
      expect(supporting).toEqual([...new Set(supporting)].toSorted((a, b) => a - b));
      const found = supporting.map((i) => story[i]);
      expect(answer(found, question)).toBe(expected);
      found.forEach((_, i) => { expect(answer(found.toSpliced(i, 1), question)).not.toBe(expected); });
    }
  });

  it("tells possible stories: nobody takes or leaves what is not there", () => {
    for (const { story } of stories) {
      const where = new Map<string, string>();
      const at = new Map<string, string>(); // the place of a thing, or the person who carries it
      for (const sentence of story) {
        const [, person, verb, thing] = /^(\w+) (.*?) the (\w+)/.exec(sentence) as string[];
        if (/ to$/.test(verb)) {
          expect(where.get(person)).not.toBe(thing);
          where.set(person, thing);
        } else if (/^(got|took|grabbed|picked)/.test(verb)) {
          expect([undefined, where.get(person)]).toContain(at.get(thing));
          at.set(thing, person);
        } else {
          expect(at.get(thing)).toBe(person);
          at.set(thing, where.get(person) as string);
        }
      }
    }
  });

  it("has stories of all lengths, many answers, and only words of its vocabulary", () => {
    const lengths = stories.map(({ story }) => story.length);
    const [least, greatest] = { 1: [2, 10], 2: [5, 20], 3: [8, 30] }[facts];
    expect(Math.min(...lengths)).toBe(least);
    expect(Math.max(...lengths)).toBe(greatest);
    expect(new Set(stories.map(({ answer }) => answer)).size).toBe(6);
    const used = new Set(stories.flatMap(({ story, question, answer }) => words([...story, question, answer].join(" "))));
    expect([...used].toSorted()).toEqual(task.vocabulary);
  });

  it("has exactly as many sentences as it is told, even as few as there are facts", () => {
    for (const length of [facts, 12]) {
      for (const { story } of new BabiTask(facts, { length, random: new Random(9) }).sample(5)) expect(story).toHaveLength(length);
    }
  });
});

it("formatBabi writes the format of the data", () => {
  const stories: BabiStory[] = [
    { story: ["Mary went to the office.", "John went to the garden."], question: "Where is Mary?", answer: "office", supporting: [0] },
    { story: ["John moved to the kitchen.", "John got the milk."], question: "Where is the milk?", answer: "kitchen", supporting: [0, 1] },
  ];
  expect(formatBabi(stories)).toBe(
    "1 Mary went to the office.\n2 John went to the garden.\n3 Where is Mary?\toffice\t1\n" +
    "1 John moved to the kitchen.\n2 John got the milk.\n3 Where is the milk?\tkitchen\t1 2\n",
  );
  expect(formatBabi([])).toBe("");
});

it("refuses other kinds and too few sentences", () => {
  expect(() => new BabiTask(4 as 3)).toThrow(ValueError);
  expect(() => new BabiTask("1" as unknown as 1)).toThrow(ValueError);
  expect(() => new BabiTask(3, { length: 2 })).toThrow(ValueError);
  expect(() => new BabiTask(1, { length: [0, 3] })).toThrow(ValueError);
});
