/** The little world of the stories: who is where, and who carries what; told sentence by sentence. */

import type { Random } from "../index.ts";

export const actors = ["Mary", "John", "Daniel", "Sandra"] as const;
export const places = ["bathroom", "bedroom", "garden", "hallway", "kitchen", "office"] as const;
export const objects = ["apple", "football", "milk"] as const;
export const going = ["went to", "went back to", "moved to", "journeyed to", "travelled to"] as const;
export const taking = ["got", "took", "grabbed", "picked up"] as const;
export const leaving = ["dropped", "discarded", "left", "put down"] as const;

interface Actor {
  readonly name: string;
  /** Where the story has brought them, null before it has said. */
  place: string | null;
  /** The sentence that said so. */
  move: number;
  readonly carries: Thing[];
}

/** How a thing got from one place to another: carried by somebody who took it, came from one place and went to the other. */
interface Journey {
  readonly from: string;
  readonly to: string;
  readonly facts: readonly number[];
}

export interface Thing {
  readonly name: string;
  place: string;
  /** The sentences that tell where it is; none while nobody has touched it. */
  facts: readonly number[];
  /** The sentence in which its carrier took it. */
  taken: number;
  readonly journeys: Journey[];
}

export class World {
  readonly sentences: string[] = [];
  readonly people: readonly Actor[];
  readonly things: readonly Thing[];

  /** @param withThings whether there is anything to carry */
  constructor(withThings: boolean, private readonly random: Random) {
    this.people = actors.map((name) => ({ name, place: null, move: -1, carries: [] }));
    this.things = withThings ? objects.map((name) => ({ name, place: random.choice(places), facts: [], taken: -1, journeys: [] })) : [];
  }

  /** Lets something happen: somebody goes somewhere, takes something, or puts it down. */
  happen(): void {
    const { random } = this;
    const person = random.choice(this.people);
    const here = this.things.filter((thing) => thing.place === person.place && !this.people.some(({ carries }) => carries.includes(thing)));
    const chance = random.uniform();
    if (here.length > 0 && chance < 0.5) this.take(person, random.choice(here));
    else if (person.carries.length > 0 && chance > 0.85) this.leave(person, random.choice(person.carries));
    else this.go(person, random.choice(places.filter((place) => place !== person.place)));
  }

  private tell(sentence: string): number { return this.sentences.push(`${sentence}.`) - 1; }

  private go(person: Actor, place: string): void {
    const move = this.tell(`${person.name} ${this.random.choice(going)} the ${place}`);
    for (const thing of person.carries) {
      thing.journeys.push({ from: thing.place, to: place, facts: [person.move, thing.taken, move] });
      thing.place = place;
      thing.facts = [thing.taken, move];
    }
    person.place = place;
    person.move = move;
  }

  private take(person: Actor, thing: Thing): void {
    thing.taken = this.tell(`${person.name} ${this.random.choice(taking)} the ${thing.name}${this.random.choice([" there", ""])}`);
    thing.facts = [person.move, thing.taken];
    person.carries.push(thing);
  }

  private leave(person: Actor, thing: Thing): void {
    const left = this.tell(`${person.name} ${this.random.choice(leaving)} the ${thing.name}${this.random.choice([" there", ""])}`);
    thing.facts = [person.move, left];
    person.carries.splice(person.carries.indexOf(thing), 1);
  }
}
