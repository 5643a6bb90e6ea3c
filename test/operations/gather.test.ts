import { testOperations } from "./suite.ts";
import { entries } from "./table/gather.ts";

testOperations(entries);
