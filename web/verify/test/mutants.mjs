// SPDX-License-Identifier: Apache-2.0
/** mutants FILE: compares both verifiers over what tests/interop/mutant_maker.c wrote. */
import { readFileSync } from "node:fs";
import { hexDecode } from "../verify.mjs";
import { compareMutants } from "./compare.mjs";

const root = hexDecode(readFileSync(new URL("../../../tests/golden/sim-root.hex", import.meta.url),
  "latin1").trim());

const good = await compareMutants(readFileSync(process.argv[2]), { sim: root },
  (line) => console.log(line));
process.exitCode = good ? 0 : 1;
