import { testOperations } from "./suite.ts";
import { entries } from "./table/masked-softmax.ts";

testOperations(entries);
