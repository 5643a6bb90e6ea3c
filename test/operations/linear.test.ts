import { testOperations } from "./suite.ts";
import { entries } from "./table/linear.ts";

testOperations(entries);
