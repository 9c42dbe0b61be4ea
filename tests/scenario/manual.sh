#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual: each command has its page, pages and --help name the same options, every example runs as
# it stands, against a node on loopback. And the metrics: what /metrics gives, what docs/metrics.md
# explains and what the dashboard draws are the same names.
# shellcheck source=tests/support/story.sh
. "${AVER_SOURCE:?}/tests/support/story.sh"
man=$bin/../man
count=0

same() {
    count=$((count + 1))
    if ! cmp -s one two; then
        fail "$1: $(diff one two | tr '\n' ' ')"
    fi
}

# The names behind "--" of a page's options.
page_options() {
    sed -n 's/^\.It \(Fl . , \)\{0,1\}Fl \\-\([a-z0-9-]*\).*/\2/p' "$1" | sort
}
help_options() {
    sed -n 's/^  \(-.,\|   \)\{0,1\} \{0,1\}--\([a-z0-9-]*\).*/\2/p' | sort
}

"$bin/aver" help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)   *[a-z].*/\1/p' >commands
while IFS= read -r command; do
    page=$man/aver-$(printf '%s' "$command" | tr ' ' '-').1
    [ -f "$page" ] || { fail "no page $page"; continue; }
    # shellcheck disable=SC2086 # a command may have two words
    "$bin/aver" help $command | help_options >one
    page_options "$page" >two
    same "aver help $command and its page"
    grep -q '^\.Sh EXAMPLES' "$page" || echo "note: $page has no example"
done <commands
[ "$count" -gt 10 ] || fail "only $count commands"
sed 's/^/aver-/; s/ /-/' commands | sort >one
sed -n 's/^\.It Xr \(aver-[a-z-]*\) 1$/\1/p' "$man/aver.1" | sort >two
same 'the commands of aver(1)'
"$bin/aver-node-sim" --help 2>/dev/null | help_options | grep -v '^sim-engine$' >one
page_options "$man/aver-node.8" >two
same 'aver-node --help and its page'
[ "$(wc -l <one)" -gt 15 ] || fail 'aver-node --help names hardly any option'
sed -n 's/^| `\([a-z-]*\)` |.*/\1/p' "$source/docs/configuration.md" |
    grep -Ev '^(config|help|version)$' | sort >one
sed -n 's/^\.It Cm "\([^"]*\)" = .*/\1/p' "$man/aver-node.conf.5" | sed 's/\\-/-/g' | sort >two
same 'docs/configuration.md and aver-node.conf(5)'
# Members of a policy: the table of docs/verifier.md.
sed -n '/^## Policy/,/^## /s/^| `\([a-z_]*\)` |.*/\1/p' "$source/docs/verifier.md" | sort >one
sed -n 's/^\.It Cm \([a-z_]*\)$/\1/p' "$man/aver-policy.5" | sort >two
same 'docs/verifier.md and aver-policy(5)'

if command -v groff >/dev/null; then
    for page in "$man"/*.[158]; do
        words=$(groff -mandoc -Tutf8 -ww -z "$page" 2>&1) || fail "groff $page"
        [ -z "$words" ] || fail "groff: $words"
    done
else
    echo 'SKIP: no groff: warnings of the pages'
fi

# Examples: blocks whose lines begin with "$ ", run by a shell that ends at the first failure, in a
# folder with the files that aver(1) names. The node there has the address of the examples in the
# pages, and another one here.
examples() {
    awk '/^\.Bd / { inside = 1; running = 0; next }
        /^\.Ed/ { inside = 0; if (running) print ""; next }
        inside && /^\$ / { running = 1; print substr($0, 3); next }
        inside && running { print }' "$1" | sed 's/\\e/\\/g; s/\\-/-/g; s/\\&//g; s/\\(dq/"/g'
}
node_start --listen tcp:127.0.0.1:0 --model-name stories15M
address=$(sed -n 's/.*"tcp:\(127\.0\.0\.1:[0-9]*\)".*/\1/p' ready)
[ -n "$address" ] || fail "no address in $(cat ready)"
PATH=$(cd "$bin" && pwd):$PATH
export PATH
for page in "$man"/aver.1 "$man"/aver-[a-z]*.[158]; do
    [ ! -L "$page" ] || continue
    name=${page##*/}
    examples "$page" >script
    [ -s script ] || continue
    # One that asks the usual address asks this node, and so does one that names none.
    sed -i "s/127\.0\.0\.1:8000/$address/g; s#aver ask #aver ask --url https://$address #" script
    rm -rf work
    mkdir work
    cp sim.key work/
    ln -s "$model" work/stories.gguf
    {
        # shellcheck disable=SC2016 # for that shell
        echo 'set -eu; trap '\''[ $? = 0 ] || kill $! 2>/dev/null'\'' EXIT'
        echo 'aver sim-root sim.key > root'
        echo "aver policy pin --sim --program $bin/aver-node-sim --model stories.gguf -o policy.json"
        if grep -q 'answer.capsule' script && ! grep -q -- '--save answer.capsule' script; then
            printf '%s ' "aver ask --url https://$address -p policy.json --sim-root root -n 12"
            echo '--save answer.capsule "Lily had" 2>/dev/null'
        fi
        cat script
    } >whole
    (cd work && timeout 300 sh ../whole) >out 2>&1 </dev/null || {
        fail "an example of $name"
        sed 's/^/    /' script
        tail -n 8 out | sed 's/^/    out: /'
    }
    count=$((count + 1))
done

# Metrics, after something was counted.
curl -sk "https://$address/metrics" >metrics || fail 'no /metrics'
sed -n 's/^# TYPE \([a-z_]*\) \(.*\)/\1 \2/p' metrics | sort >one
sed -n 's/^| `\(aver_[a-z_]*\)` | \([a-z]*\) |.*/\1 \2/p' "$source/docs/metrics.md" | sort >two
same '/metrics and docs/metrics.md'
[ "$(wc -l <one)" -gt 10 ] || fail '/metrics gives hardly anything'
sed -n 's/^\(aver_[a-z_]*\)[ {].*/\1/p' metrics | sort -u >given
board=$source/deploy/grafana/aver-node.json
grep -o 'aver_[a-z_]*' "$board" | sort -u >drawn
comm -13 given drawn >missing
[ ! -s missing ] || fail "the dashboard draws what no node gives: $(tr '\n' ' ' <missing)"
[ "$(wc -l <drawn)" -gt 10 ] || fail 'the dashboard draws hardly anything'
sed 's/_bucket$//; s/_sum$//; s/_count$//' drawn | sort -u >plain
cut -d ' ' -f 1 two | sort -u >documented
comm -13 documented plain >missing
[ ! -s missing ] || fail "the dashboard draws what docs/metrics.md has not: $(tr '\n' ' ' <missing)"
grep '^aver_models\{0,1\}_' documented | comm -23 - plain >missing
[ ! -s missing ] || fail "the dashboard lacks metrics of models: $(tr '\n' ' ' <missing)"
if command -v node >/dev/null; then
    node -e '
        const board = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
        const ids = new Set(board.panels.map((panel) => panel.id));
        if (!board.title || !board.panels.length || ids.size !== board.panels.length) process.exit(1);
        for (const panel of board.panels)
            for (const target of panel.targets)
                if (!panel.title || !panel.gridPos || !/aver_/.test(target.expr)) process.exit(1);
    ' "$board" || fail "$board is no dashboard"
else
    echo 'SKIP: no node: whether the dashboard is JSON'
fi
node_stop
echo "ok: $count pages, examples and lists"
exit "$failed"
