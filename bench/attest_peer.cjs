// SPDX-License-Identifier: Apache-2.0
// attest_peer.cjs MANIFEST ID ROUNDS: the median milliseconds that @phala/dcap-qvl takes for one
// case, collateral parsed from JSON beforehand, after two rounds that do not count.
'use strict';
const fs = require('fs');
const path = require('path');
const { verify } = require('@phala/dcap-qvl');

const [manifest, id, rounds] = process.argv.slice(2);
const one = JSON.parse(fs.readFileSync(manifest)).vectors.find((found) => found.id === id);
const at = (name) => path.join(path.dirname(manifest), name);
const quote = fs.readFileSync(at(one.files.evidence));
const collateral = JSON.parse(fs.readFileSync(at(one.files.collateral)));
const times = [];
for (let i = -2; i < Number(rounds); i++) {
    const start = process.hrtime.bigint();
    const report = verify(quote, collateral, one.params.time);
    const took = Number(process.hrtime.bigint() - start) / 1e6;
    if (!report.status) {
        process.exit(1);
    }
    if (i >= 0) {
        times.push(took);
    }
}
times.sort((a, b) => a - b);
console.log(times[times.length >> 1].toFixed(4));
