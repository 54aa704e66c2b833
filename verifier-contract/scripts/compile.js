// Compiles one standard-JSON input read from standard input and prints the output. Nothing is read from disk:
// the caller puts every source into the input.
"use strict";

const solc = require("solc");

const expected = process.argv[2];
const version = solc.version();
if (!version.startsWith(`${expected}+`)) {
  process.stderr.write(`solc ${expected} is pinned, found ${version}\n`);
  process.exit(1);
}
const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => process.stdout.write(solc.compile(Buffer.concat(chunks).toString("utf8"))));
