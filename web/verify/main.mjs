#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/** main: judge a saved answer on the command line of Node.js. */
import { readFileSync } from "node:fs";
import { FormatError, hexDecode, policyParse, verifyCapsule } from "./verify.mjs";

const USAGE = `usage: node main.mjs CAPSULE --policy FILE [options]

  -p, --policy FILE      what you accept (required)
      --sim-root VALUE   root of a simulator that you trust: 64 hex digits, or a file that has them
      --test-roots FILE  roots of your own in the place of the makers', PEM; proves nothing
      --now MS           the time to judge at, milliseconds since 1970 (default: the clock)
      --json             one JSON document instead of text
  -q, --quiet            only the last line

exit codes: 0 accepted, 1 refused, 2 usage or policy, 4 a file could not be read
`;

const TAKES_VALUE = {
  "-p": "policy", "--policy": "policy", "--sim-root": "simRoot", "--now": "now",
  "--test-roots": "testRoots",
};
const FLAGS = { "--json": "json", "-q": "quiet", "--quiet": "quiet" };

class UsageError extends Error {}

function parseArguments(words) {
  const options = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (Object.hasOwn(TAKES_VALUE, word) && i + 1 < words.length) {
      options[TAKES_VALUE[word]] = words[++i];
    } else if (Object.hasOwn(FLAGS, word)) {
      options[FLAGS[word]] = true;
    } else if (!word.startsWith("-") && options.file === undefined) {
      options.file = word;
    } else {
      throw new UsageError(`what is ${word}?`);
    }
  }
  if (!options.file || !options.policy) {
    throw new UsageError("a capsule and a policy are needed");
  }
  return options;
}

function readRoot(value) {
  const text = /^[0-9a-fA-F]{64}$/.test(value) ? value : readFileSync(value, "latin1").trim();
  const root = hexDecode(text);
  if (root.length !== 32) {
    throw new UsageError("a simulator's root has 64 hex digits");
  }
  return root;
}

function readRoots({ simRoot, testRoots }) {
  return {
    ...simRoot === undefined ? {} : { sim: readRoot(simRoot) },
    ...testRoots === undefined ? {} : { tests: [new Uint8Array(readFileSync(testRoots))] },
  };
}

function makeContext(options) {
  if (options.now !== undefined && !/^[0-9]{1,19}$/.test(options.now)) {
    throw new UsageError("--now is a number of milliseconds");
  }
  return {
    policy: policyParse(readFileSync(options.policy)),
    roots: readRoots(options),
    nowMs: BigInt(options.now ?? Date.now()),
  };
}

/** Texts of others may hold what a terminal obeys; only what is printable gets out. */
function printable(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

function printText({ accepted, why, checks, simulated }, quiet) {
  if (!quiet) {
    for (const { name, status, detail } of checks) {
      console.log(`  ${status}  ${name.padEnd(20)} ${printable(detail)}`);
    }
  }
  const count = (wanted) => checks.filter(({ status }) => status === wanted).length;
  const about = simulated ? " · SIMULATED: proves nothing" : "";
  console.log(accepted
    ? `VERIFIED ${count("PASS")} checks (${count("SKIP")} skipped)${about}`
    : `REFUSED ${why.join(", ")}${about}`);
}

function printJson({ accepted, simulated, why, checks }) {
  console.log(JSON.stringify({ accepted, simulated, checks, why }));
}

async function main(words) {
  const options = parseArguments(words);
  const context = makeContext(options);
  const result = await verifyCapsule(readFileSync(options.file), context);
  if (options.json) {
    printJson(result);
  } else {
    printText(result, options.quiet);
  }
  return result.accepted ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n${USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof FormatError) {
    process.stderr.write(`the policy or the root: ${error.message}\n`);
    process.exitCode = 2;
  } else if (error.code && error.path) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 4;
  } else {
    throw error;
  }
}
