// SPDX-License-Identifier: Apache-2.0
/**
 * verify_browser BROWSER AVER SOURCE MUTANTS PROFILE: serves web/verify and the golden answers on a
 * port of this machine, has a headless browser judge them there, and compares with libaver: the
 * golden set by the verdicts of the program AVER, check by check, the mutants by what the file says.
 * Exit 0: both agree; 1: they do not; 77: this browser cannot.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [browser, aver, source, mutants, profile] = process.argv.slice(2);
const DEADLINE_MS = 230000;
const ANSWER_BYTES_MAX = 1024 * 1024;

const golden = join(source, "tests/golden");
const names = readdirSync(golden).filter((name) => name.endsWith(".capsule"))
  .map((name) => name.slice(0, -".capsule".length)).sort();

const PAGE = '<!doctype html><title>verify</title>' +
  '<script type="module" src="/tests/interop/verify_browser_page.mjs"></script>';
const FILES = /^\/(web\/verify\/[a-z0-9_/]+\.mjs|tests\/interop\/[a-z_]+\.mjs|tests\/golden\/[a-z0-9.-]+)$/;

/** [type, bytes] of what the page may read; null for anything else. */
function document(path) {
  if (path === "/") {
    return ["text/html", PAGE];
  }
  if (path === "/names") {
    return ["application/json", JSON.stringify(names)];
  }
  if (path === "/mutants") {
    return ["application/octet-stream", readFileSync(mutants)];
  }
  if (!FILES.test(path) || path.includes("..")) {
    return null;
  }
  const type = path.endsWith(".mjs") ? "text/javascript" : "application/octet-stream";
  return [type, readFileSync(join(source, path))];
}

/** Serves until the page has said something. */
function serve(onListen, onSaid) {
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/said") {
      let text = "";
      request.on("data", (piece) => {
        text += piece;
        if (text.length > ANSWER_BYTES_MAX) {
          request.destroy();
        }
      });
      request.on("end", () => {
        response.end();
        onSaid(JSON.parse(text));
      });
      return;
    }
    const found = document(request.url);
    response.writeHead(found ? 200 : 404, { "Content-Type": found?.[0] ?? "text/plain" });
    response.end(found?.[1] ?? "");
  });
  server.listen(0, "127.0.0.1", () => onListen(server.address().port));
}

/** The page runs our own files alone, so the browser may do without a sandbox, which it has none of
 * as root or in a container. A group of its own: it is ended with all that it starts. */
function browserStart(port) {
  return spawn(browser, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    { detached: true, stdio: ["ignore", "ignore", "pipe"] });
}

/** What the page said, or an Error with the browser's own words. */
function browserRun() {
  return new Promise((resolve, reject) => {
    let child = null;
    let words = "";
    const finish = (settle, value) => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
      settle(value);
    };
    serve((port) => {
      child = browserStart(port);
      child.stderr.on("data", (piece) => { words = (words + piece).slice(-4096); });
      child.on("error", reject);
      child.on("exit", (code) => finish(reject, new Error(`the browser ended (${code}): ${words}`)));
      setTimeout(() => finish(reject, new Error(`the page said nothing: ${words}`)), DEADLINE_MS);
    }, (said) => finish(resolve, said));
  });
}

/** {accepted, checks} by the program, as the page has it. */
function averJudge(name) {
  const words = ["verify", join(golden, `${name}.capsule`), "--policy", join(golden, "policy.json"),
    "--sim-root", join(golden, "sim-root.hex"), "--json"];
  let text;
  try {
    text = execFileSync(aver, words, { stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    // A refusal is an exit status, and has its document all the same.
    text = error.stdout;
  }
  const { accepted, checks } = JSON.parse(text);
  return { accepted, checks: checks.map((check) => `${check.name} ${check.status}`) };
}

/** How many golden answers the two judge differently. */
function compareGolden(found) {
  let wrong = 0;
  for (const name of names) {
    const wanted = averJudge(name);
    const here = found[name] ?? { accepted: null, checks: [] };
    const differing = wanted.checks.filter((check) => !here.checks.includes(check));
    const same = wanted.accepted === here.accepted && differing.length === 0 &&
      wanted.checks.length === here.checks.length;
    console.log(`${same ? "ok  " : "FAIL"} ${name.padEnd(14)} ${here.accepted ? "accepted" : "refused"}, ` +
      `${here.checks.length} checks${same ? "" : `; libaver: ${wanted.accepted} ${differing.join(", ")}`}`);
    wrong += same ? 0 : 1;
  }
  return wrong;
}

function conclude(said) {
  if (said.error) {
    console.log(`FAIL in the page: ${said.error}`);
    return 1;
  }
  console.log(`browser: ${said.agent}`);
  if (!said.ed25519) {
    console.log("SKIP WebCrypto of this browser has no Ed25519");
    return 77;
  }
  said.lines.forEach((line) => console.log(line));
  return compareGolden(said.golden) === 0 && said.agreed === true ? 0 : 1;
}

let status = 1;
try {
  status = conclude(await browserRun());
} catch (error) {
  console.log(`FAIL ${error.message}`);
}
process.exit(status);
