/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JSON schema and as a grammar in llama-common's notation. What is taken is gone
 * through by the bytes that follow a NUL; every text of a schema must be JSON. */
#include "codec/json.h"
#include "engine/grammar_build.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A byte by which the text may go on: the wanted one, or one that leads to an end. */
static int byte_next(aver_grammar_run *run, uint8_t wanted)
{
    static const char closing[] = "\"}]0e1:,antulf.-";
    if (aver_grammar_run_allows(run, aver_view_make(&wanted, 1))) {
        return wanted;
    }
    for (size_t i = 0; closing[i] != '\0'; i++) {
        if (aver_grammar_run_allows(run, aver_view_make(&closing[i], 1))) {
            return (uint8_t)closing[i];
        }
    }
    return -1;
}

static void grammar_walk(const aver_grammar *grammar, aver_view wishes, bool is_json)
{
    aver_grammar_run *run = NULL;
    char text[TEXT_BYTES_MAX];
    size_t size = 0;
    if (aver_grammar_run_new(grammar, &run) != AVER_OK) {
        abort(); /* it was tried when the grammar was made */
    }
    while (size < TEXT_BYTES_MAX && !(aver_grammar_run_whole(run) && size >= wishes.size)) {
        int byte = byte_next(run, size < wishes.size ? wishes.data[size] : '"');
        if (byte < 0) {
            break;
        }
        text[size++] = (char)byte;
        if (aver_grammar_run_take(run, aver_view_make(&text[size - 1], 1)) != AVER_OK) {
            abort(); /* it was allowed */
        }
    }
    if (is_json && aver_grammar_run_whole(run)) {
        json_t *json = json_loadb(text, size, JSON_DECODE_ANY, NULL);
        if (json == NULL) {
            abort();
        }
        json_decref(json);
    }
    aver_grammar_run_free(run);
}

static void try_text(aver_view source, aver_view wishes)
{
    char why[AVER_GRAMMAR_WHY_BYTES] = "";
    aver_grammar_builder *builder = NULL;
    aver_grammar *grammar = NULL;
    uint32_t root = 0;
    if (aver_grammar_builder_new(&builder) != AVER_OK) {
        abort();
    }
    if (aver_grammar_text_read(builder, source, &root, why) == AVER_OK &&
        aver_grammar_builder_finish(builder, root, &grammar) == AVER_OK) {
        grammar_walk(grammar, wishes, false);
        aver_grammar_free(grammar);
    }
    aver_grammar_builder_free(builder);
}

static void try_schema(aver_view source, aver_view wishes)
{
    char why[AVER_GRAMMAR_WHY_BYTES] = "";
    aver_grammar_builder *builder = NULL;
    aver_grammar *grammar = NULL;
    aver_grammar_item root;
    json_t *schema = NULL;
    if (aver_json_parse(source, 65536, &schema, NULL) != AVER_OK) {
        return;
    }
    if (aver_grammar_builder_new(&builder) != AVER_OK) {
        abort();
    }
    aver_err err = aver_grammar_schema_read(builder, schema, &root, why);
    if (err == AVER_OK && aver_grammar_builder_finish(builder, root.value, &grammar) == AVER_OK) {
        grammar_walk(grammar, wishes, true);
        aver_grammar_free(grammar);
    }
    if ((err != AVER_OK) != (why[0] != '\0')) {
        abort(); /* each refusal has words */
    }
    aver_grammar_builder_free(builder);
    json_decref(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\0', size);
    aver_view source = aver_view_make(data, end == NULL ? size : (size_t)(end - data));
    aver_view wishes = {NULL, 0};
    if (end != NULL) {
        wishes = aver_view_make(end + 1, size - source.size - 1);
    }
    try_text(source, wishes);
    try_schema(source, wishes);
    return 0;
}
