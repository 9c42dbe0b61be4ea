/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/speech_native.h"

#include "engine/template_steps.h"

#include "chat-auto-parser.h"
#include "chat-peg-parser.h"
#include "chat.h"
#include "log.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

struct aver_native {
    std::unique_ptr<common_chat_template> chat;
    autoparser::autoparser learnt;
    bool has_learnt; /* else llama-common knows the template by its marks */
    std::vector<std::string> preserved;
};

struct aver_native_parser {
    common_chat_params params;
    common_peg_arena arena;
    std::vector<std::string> marks;
    std::string grammar;
    bool grammar_lazy;
};

namespace
{

/* Renderings of a template are many while it is learnt, and three for each parser. */
constexpr size_t STEPS_LEARN = 1000000;
constexpr size_t STEPS_PARSER = 65536;
/* Brackets that open and do not close; the parser descends by recursion. */
constexpr size_t DEPTH_MAX = 128;

void quiet()
{
    /* Its log would start a thread and write to standard error. */
    common_log_set_verbosity_thold(-1);
}

common_json one_message()
{
    common_json message = common_json::object();
    message["role"] = "user";
    message["content"] = "x";
    common_json messages = common_json::array();
    messages.push_back(message);
    return messages;
}

autoparser::generation_params params_of(const common_json &tools, bool required, bool parallel)
{
    autoparser::generation_params params;
    params.messages = one_message();
    params.tools = tools;
    params.tool_choice = required ? COMMON_CHAT_TOOL_CHOICE_REQUIRED : COMMON_CHAT_TOOL_CHOICE_AUTO;
    params.reasoning_format = COMMON_REASONING_FORMAT_NONE;
    params.parallel_tool_calls = parallel;
    params.add_generation_prompt = true;
    params.extra_context = common_json::object();
    params.now = std::chrono::system_clock::from_time_t(AVER_TEMPLATE_CLOCK);
    return params;
}

common_chat_params generate(const aver_native &native, const common_json &tools, bool required,
                            bool parallel)
{
    aver_template_allow(STEPS_PARSER);
    auto params = params_of(tools, required, parallel);
    if (!native.has_learnt) {
        auto known =
            common_chat_try_specialized_template(*native.chat, native.chat->source(), params);
        if (known.has_value()) {
            return *known;
        }
    }
    return autoparser::peg_generator::generate_parser(*native.chat, params, native.learnt);
}

common_json json_of(const json_t *json)
{
    std::unique_ptr<char, decltype(&std::free)> text(json_dumps(json, JSON_COMPACT), std::free);
    return common_json::parse(text == nullptr ? "null" : text.get());
}

common_json a_tool()
{
    return common_json::parse(R"([{"type":"function","function":{"name":"f","description":"d",)"
                              R"("parameters":{"type":"object","properties":{"a":{"type":)"
                              R"("string"}},"required":["a"]}}}])");
}

void marks_read(const common_chat_params &params, std::vector<std::string> &marks)
{
    for (const auto &trigger : params.grammar_triggers) {
        if (trigger.type != COMMON_GRAMMAR_TRIGGER_TYPE_WORD || trigger.value.empty()) {
            marks.clear(); /* a pattern: only the whole text tells */
            return;
        }
        if (marks.size() < AVER_NATIVE_MARKS_MAX) {
            marks.push_back(trigger.value);
        }
    }
    if (params.grammar_triggers.empty()) {
        marks.emplace_back("{"); /* calls are bare JSON */
    }
}

bool too_deep(const std::string &text)
{
    size_t depth = 0;
    for (const char byte : text) {
        if (byte == '[' || byte == '{') {
            depth++;
        } else if ((byte == ']' || byte == '}') && depth > 0) {
            depth--;
        }
        if (depth > DEPTH_MAX) {
            return true;
        }
    }
    return false;
}

std::unique_ptr<common_chat_peg_mapper> mapper_of(common_chat_format format, common_chat_msg &found)
{
    if (format == COMMON_CHAT_FORMAT_PEG_GEMMA4) {
        return std::make_unique<common_chat_peg_gemma4_mapper>(found);
    }
    if (format == COMMON_CHAT_FORMAT_PEG_MINIMAX_M3) {
        return std::make_unique<common_chat_peg_minimax_m3_mapper>(found);
    }
    return std::make_unique<common_chat_peg_mapper>(found);
}

struct calls_seen {
    size_t opened = 0;
    size_t closed = 0;      /* whose end was read; only then are they whole */
    bool no_object = false; /* arguments that are JSON, but no object */
    bool named = false;     /* arguments come one by one, by name */
    bool name_cut = false;  /* of the last */
    bool begun = false;     /* the arguments of the last */
};

calls_seen see_calls(const common_peg_parse_context &context, const common_peg_parse_result &result)
{
    calls_seen seen;
    context.ast.visit(result, [&seen](const common_peg_ast_node &node) {
        const auto first = node.text.find_first_not_of(" \n\r\t");
        const bool has_text = first != std::string_view::npos;
        const bool opens = node.tag == common_chat_peg_builder::TOOL_OPEN;
        seen.closed +=
            node.tag == common_chat_peg_builder::TOOL_CLOSE && !node.is_partial ? 1u : 0u;
        seen.opened += opens ? 1u : 0u;
        seen.name_cut =
            node.tag == common_chat_peg_builder::TOOL_NAME ? node.is_partial : seen.name_cut;
        seen.begun = (seen.begun && !opens) || node.tag == common_chat_peg_builder::TOOL_ARG_NAME ||
                     (node.tag == common_chat_peg_builder::TOOL_ARGS && has_text);
        seen.named = seen.named || node.tag == common_chat_peg_builder::TOOL_ARG_NAME;
        seen.no_object = seen.no_object || (node.tag == common_chat_peg_builder::TOOL_ARGS &&
                                            has_text && node.text[first] != '{');
    });
    return seen;
}

void part_set(const std::vector<common_chat_tool_call> &calls, const calls_seen &seen,
              aver_native_part *part)
{
    part->open = seen.opened > seen.closed || seen.opened == 0;
    if (seen.opened <= seen.closed || calls.size() <= seen.closed || seen.name_cut) {
        return;
    }
    const auto &call = calls.back();
    aver_buf_append(part->name, aver_view_make(call.name.data(), call.name.size()));
    if (seen.begun) {
        aver_buf_append(part->arguments,
                        aver_view_make(call.arguments.data(), call.arguments.size()));
    }
}

aver_native_outcome parse(const aver_native_parser &parser, const std::string &text, bool ended,
                          aver_native_call_fn *on_call, void *user, aver_buf *rest,
                          aver_native_part *part)
{
    if (too_deep(text)) {
        return AVER_NATIVE_NONE;
    }
    common_peg_parse_context context(parser.params.generation_prompt + text,
                                     ended ? COMMON_PEG_PARSE_FLAG_NONE
                                           : COMMON_PEG_PARSE_FLAG_LENIENT);
    const auto result = parser.arena.parse(context);
    if (result.fail() || (ended && !result.success())) {
        return AVER_NATIVE_NONE;
    }
    const auto seen = see_calls(context, result);
    if (seen.no_object && !seen.named) {
        return AVER_NATIVE_NONE;
    }
    common_chat_msg found;
    mapper_of(parser.params.format, found)->from_ast(context.ast, result);
    size_t count = found.tool_calls.size();
    if (!ended) {
        count = std::min(count, seen.closed);
    }
    for (size_t i = 0; i < count; i++) {
        const auto &call = found.tool_calls[i];
        on_call(aver_view_make(call.name.data(), call.name.size()),
                aver_view_make(call.arguments.data(), call.arguments.size()), user);
    }
    if (!ended && part != nullptr) {
        part_set(found.tool_calls, seen, part);
    }
    if (ended && rest != nullptr) {
        aver_buf_append(rest, aver_view_make(found.content.data(), found.content.size()));
    }
    if (ended) {
        return AVER_NATIVE_WHOLE;
    }
    return seen.opened > seen.closed ? AVER_NATIVE_IN_CALL : AVER_NATIVE_BETWEEN;
}

}

extern "C" aver_native *aver_native_new(const char *source, size_t size, const char *bos,
                                        const char *eos)
{
    try {
        quiet();
        aver_template_bound();
        aver_template_allow(STEPS_LEARN);
        auto native = std::make_unique<aver_native>();
        native->chat = std::make_unique<common_chat_template>(std::string(source, size), bos, eos);
        aver_template_steps(native->chat->prog.body);
        auto params = params_of(a_tool(), false, true);
        native->has_learnt =
            !common_chat_try_specialized_template(*native->chat, native->chat->source(), params)
                 .has_value();
        if (native->has_learnt) {
            native->learnt.analyze_template(*native->chat);
            if (native->learnt.tools.format.mode == autoparser::tool_format::NONE) {
                return nullptr;
            }
        }
        return generate(*native, a_tool(), false, true).parser.empty() ? nullptr : native.release();
    } catch (...) {
        return nullptr;
    }
}

extern "C" void aver_native_free(aver_native *native)
{
    delete native;
}

extern "C" aver_native_parser *aver_native_parser_new(const aver_native *native,
                                                      const aver_native_need *need)
{
    try {
        quiet();
        const common_json tools = json_of(need->tools);
        auto parser = std::make_unique<aver_native_parser>();
        const auto free_choice = generate(*native, tools, false, need->parallel);
        marks_read(free_choice, parser->marks);
        parser->params =
            need->required ? generate(*native, tools, true, need->parallel) : free_choice;
        parser->grammar = parser->params.grammar;
        parser->grammar_lazy = parser->params.grammar_lazy;
        parser->arena.load(parser->params.parser);
        return parser.release();
    } catch (...) {
        return nullptr;
    }
}

extern "C" void aver_native_parser_free(aver_native_parser *parser)
{
    delete parser;
}

extern "C" size_t aver_native_marks(const aver_native_parser *parser,
                                    aver_view ret_marks[AVER_NATIVE_MARKS_MAX])
{
    size_t count = 0;
    for (const auto &mark : parser->marks) {
        ret_marks[count++] = aver_view_make(mark.data(), mark.size());
    }
    return count;
}

extern "C" aver_view aver_native_grammar(const aver_native_parser *parser, bool *ret_lazy,
                                         aver_view *ret_before)
{
    const auto &before = parser->params.generation_prompt;
    *ret_lazy = parser->grammar_lazy;
    *ret_before = aver_view_make(before.data(), before.size());
    return aver_view_make(parser->grammar.data(), parser->grammar.size());
}

extern "C" aver_view aver_native_preserved(const aver_native *native, size_t index)
{
    const auto &texts = native->preserved;
    return index < texts.size() ? aver_view_make(texts[index].data(), texts[index].size())
                                : aver_view_make(nullptr, 0);
}

extern "C" aver_native_outcome aver_native_parse(const aver_native_parser *parser, aver_view text,
                                                 bool ended, aver_native_call_fn *on_call,
                                                 void *context, aver_buf *rest,
                                                 aver_native_part *part)
{
    try {
        const std::string input(reinterpret_cast<const char *>(text.data), text.size);
        return parse(*parser, input, ended, on_call, context, rest, part);
    } catch (...) {
        return AVER_NATIVE_NONE;
    }
}
