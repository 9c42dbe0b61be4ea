# SPDX-License-Identifier: Apache-2.0
# The rules of tools/tidy for text files. Words that it looks for are written with a bracket inside, so
# that this file does not match itself.

BEGIN {
    count = split("base codec crypto attest tee clock receipt model engine net store chain " \
                  "node dispatcher agent validator challenger cli", order, " ")
    for (i = 1; i <= count; i++) {
        rank[order[i]] = i
    }
    while ((getline line < layers) > 0) {
        split(line, pair, " ")
        if (!(pair[1] in public)) {
            public[pair[1]] = pair[2]
        }
        # policy_read.c makes policy.h one of its layer too, where there is no policy.c.
        if (sub(/_.*/, "", pair[1]) && !(pair[1] in by_prefix)) {
            by_prefix[pair[1]] = pair[2]
        }
    }
    banned = "(^|[^A-Za-z0-9_>.])(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|alloca|" \
             "system|popen|rand)[ ]*\\("
    leftover = "(^|[^A-Za-z0-9_])(TO[D]O|FIX[M]E|X[X]X|HAC[K]|st[u]b|not implemen[t]ed|" \
               "unimplemen[t]ed)($|[^A-Za-z0-9_])"
    machine = "(^|[^A-Za-z0-9_.$}])(/wor[k]/|/hom[e]/[a-z]|/roo[t]/|/var/tm[p]/|/User[s]/)"
    registry = "https?:[/][/][^ ]*(regist[r]y|npm[j]s|artifac[t]ory|nexu[s])"
    FUNCTION_MAX = 70
    FILE_MAX = 800
    WIDTH_MAX = 110
}

function breach(rule, what) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, what
}

function file_layer(path, part) {
    if (split(path, part, "/") < 3) {
        return ""
    }
    if (part[1] == "src") {
        return part[2]
    }
    if (part[1] == "include" && part[2] == "aver") {
        return header_layer("aver/" part[3])
    }
    return ""
}

function header_layer(header, name) {
    if (header !~ /^aver\//) {
        sub(/\/.*/, "", header)
        return header
    }
    name = header
    sub(/^aver\//, "", name)
    sub(/\.h$/, "", name)
    if (name in public) {
        return public[name]
    }
    return (name in by_prefix) ? by_prefix[name] : "?"
}

# The line without comments and with empty strings; a block comment that stays open is remembered.
function code_of(text, out, at, c, two) {
    out = ""
    slashes = 0
    for (at = 1; at <= length(text); at++) {
        two = substr(text, at, 2)
        if (in_comment) {
            if (two == "*/") {
                in_comment = 0
                at++
            }
            continue
        }
        if (two == "/*") {
            in_comment = 1
            at++
            continue
        }
        if (two == "//") {
            slashes = 1
            return out
        }
        c = substr(text, at, 1)
        if (c == "\"" || c == "'") {
            out = out c
            for (at++; at <= length(text) && substr(text, at, 1) != c; at++) {
                if (substr(text, at, 1) == "\\") {
                    at++
                }
            }
        }
        out = out c
    }
    return out
}

FNR == 1 {
    is_c = FILENAME ~ /\.(c|h|cpp|hpp)$/
    is_script = FILENAME ~ /\.(sh|cmake|awk)$/ || $0 ~ /^#!.*sh/
    is_docs = FILENAME ~ /\.md$/
    layer = is_c ? file_layer(FILENAME) : ""
    in_comment = 0
    in_function = 0
    spdx = 0
    if (layer == "?" && FILENAME ~ /^include/) {
        breach("layering", "no src/*/*.c of this name and no entry in tools/tidy: which layer is it?")
    } else if (layer != "" && layer != "?" && !(layer in rank)) {
        breach("layering", "unknown layer " layer)
    }
    if (is_c && $0 != "/* SPDX-License-Identifier: Apache-2.0 */") {
        breach("spdx", "the first line is not the licence line")
    }
}

FNR <= 2 && is_script && /SPDX-License-Identifier: Apache-2\.0/ { spdx = 1 }
FNR == 2 && is_script && !spdx { breach("spdx", "no licence line in the first two") }

/[ \t\r]$/ && !is_docs { breach("blanks", "trailing blanks") }
$0 ~ leftover { breach("leftover", $0) }
$0 ~ machine { breach("path", $0) }
$0 ~ registry { breach("registry", $0) }

is_c || is_script {
    wide = $0
    gsub(/[\200-\277]/, "", wide)
    if (length(wide) > WIDTH_MAX && FILENAME !~ /tools\/pins$/) {
        breach("width", length(wide) " columns")
    }
    if (FNR == FILE_MAX + 1) {
        breach("file-length", "more than " FILE_MAX " lines")
    }
}

is_c {
    code = (in_comment || $0 ~ /[\/"']/) ? code_of($0) : $0
    if (slashes) {
        breach("comment", "// comment")
        slashes = 0
    }
    if (/\t/) {
        breach("blanks", "tab")
    }
    if (code ~ banned) {
        breach("banned", code)
    }
    if (code ~ /^[ ]*#[ ]*include "/ || ($0 ~ /^[ ]*#[ ]*include "/ && !in_comment)) {
        header = $0
        sub(/^[^"]*"/, "", header)
        sub(/".*/, "", header)
        if (layer in rank && header ~ /\//) {
            # What is in no layer comes from outside; a public header without one is flagged itself.
            target = header_layer(header)
            if (target in rank && rank[target] > rank[layer]) {
                breach("layering", layer " includes " header " of " target ", which lies above it")
            }
        }
    }
    if (/^\{/) {
        in_function = FNR
    } else if (/^\}/ && in_function) {
        if (FNR - in_function - 1 > FUNCTION_MAX) {
            breach("function-length", (FNR - in_function - 1) " lines, from line " in_function)
        }
        in_function = 0
    }
}
