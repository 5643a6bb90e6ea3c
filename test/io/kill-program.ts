/** Saves versions 1, 2, 3, … of a component to one file until it is killed: all numbers of a version, and its step, are the same. */

import { full } from "flimsy-ml";
import { ValueComponent } from "flimsy-ml/components";
import { save } from "flimsy-ml/io";

const [file, elements] = process.argv.slice(2);
process.stdout.write("ready\n");
for (let version = 1; ; version++) save(file, new ValueComponent({ value: full([Number(elements)], version) }), { step: version, metadata: { version } });
