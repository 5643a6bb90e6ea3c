import { testOperations } from "./suite.ts";
import { entries } from "./table/where.ts";

testOperations(entries);
