/** Before a program: node --import .../threads.js?count=1 program.js */

import { threads } from "../../dist/index.js";

threads(Number(new URL(import.meta.url).searchParams.get("count")));
