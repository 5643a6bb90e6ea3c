import { testOperations } from "./suite.ts";
import { entries } from "./table/joining.ts";

testOperations(entries);
