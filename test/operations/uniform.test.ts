import { testOperations } from "./suite.ts";
import { entries } from "./table/uniform.ts";

testOperations(entries);
