/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/template.h"

#include "engine/template_steps.h"

#include "jinja/caps.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "jinja/value.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <exception>
#include <iomanip>
#include <locale>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

struct aver_template {
    std::string source;
    std::string bos;
    std::string eos;
    jinja::program program;
    aver_template_abilities abilities;
};

namespace
{

void why_set(char *ret_why, const char *text)
{
    /* Errors of templates quote the source before they name the fault, after the last of these
     * marks. */
    static const char mark[] = "Error: ";
    for (const char *found = text; (found = std::strstr(found, mark)) != nullptr;) {
        found += sizeof(mark) - 1;
        text = found;
    }
    text += std::strspn(text, "\n");
    /* The words may quote a message or the template, and are cut: what is not ASCII becomes '?', so
     * that no half character is left, which the link would not carry. */
    size_t size = 0;
    for (; *text != '\0' && *text != '\n' && size + 1 < AVER_TEMPLATE_WHY_BYTES; text++) {
        const auto byte = static_cast<unsigned char>(*text);
        if ((byte & 0xc0) != 0x80) {
            ret_why[size++] = byte < 0x80 ? *text : '?';
        }
    }
    ret_why[size] = '\0';
}

/* Turns of loops and calls of macros in one rendering, so many for each message and for as many
 * besides: a template may not run for ever. A step costs up to some hundred microseconds. */
constexpr size_t STEPS_MESSAGE = 256;
constexpr size_t STEPS_MESSAGES_MORE = 16;
constexpr size_t STEPS_MAX = 65536;
constexpr int64_t RANGE_MAX = 4096;

thread_local size_t steps_left;

/* The first statement of every body that can run more than once. */
struct step_statement : public jinja::statement {
    std::string type() const override
    {
        return "Step";
    }
    jinja::value execute_impl(jinja::context &) const override
    {
        if (steps_left == 0) {
            throw std::runtime_error("the chat template takes too many steps");
        }
        steps_left--;
        return jinja::mk_val<jinja::value_undefined>();
    }
};

void steps_insert(jinja::statements &body);

void steps_insert_repeated(jinja::statements &body)
{
    steps_insert(body);
    body.insert(body.begin(), std::make_unique<step_statement>());
}

/* The depth is that of the source, which the parser has been through by recursion already. */
void steps_insert(jinja::statements &body)
{
    for (auto &statement : body) {
        if (auto *loop = dynamic_cast<jinja::for_statement *>(statement.get())) {
            steps_insert_repeated(loop->body);
            steps_insert(loop->default_block);
        } else if (auto *macro = dynamic_cast<jinja::macro_statement *>(statement.get())) {
            steps_insert_repeated(macro->body);
        } else if (auto *branch = dynamic_cast<jinja::if_statement *>(statement.get())) {
            steps_insert(branch->body);
            steps_insert(branch->alternate);
        } else if (auto *set = dynamic_cast<jinja::set_statement *>(statement.get())) {
            steps_insert(set->body);
        } else if (auto *filter = dynamic_cast<jinja::filter_statement *>(statement.get())) {
            steps_insert(filter->body);
        } else if (auto *call = dynamic_cast<jinja::call_statement *>(statement.get())) {
            steps_insert_repeated(call->body);
        }
    }
}

jinja::value text_value(const std::string &text, bool input)
{
    auto value = jinja::mk_val<jinja::value_string>(text);
    if (input) {
        value->mark_input();
    }
    return value;
}

/* Words of the protocol, not of callers. */
bool is_protocol_word(const char *key, const char *value)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    static const char *const types[] = {"function", "text"};
    const auto is_value = [value](const char *word) { return std::strcmp(value, word) == 0; };
    return (std::strcmp(key, "role") == 0 &&
            std::any_of(std::begin(roles), std::end(roles), is_value)) ||
           (std::strcmp(key, "type") == 0 &&
            std::any_of(std::begin(types), std::end(types), is_value));
}

jinja::value json_value(const json_t *json, bool input)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: {
        auto object = jinja::mk_val<jinja::value_object>();
        const char *key;
        json_t *member;
        json_object_foreach(const_cast<json_t *>(json), key, member)
        {
            const bool word =
                json_is_string(member) && is_protocol_word(key, json_string_value(member));
            object->insert(text_value(key, input), json_value(member, input && !word));
        }
        return object;
    }
    case JSON_ARRAY: {
        auto array = jinja::mk_val<jinja::value_array>();
        for (size_t i = 0; i < json_array_size(json); i++) {
            array->push_back(json_value(json_array_get(json, i), input));
        }
        return array;
    }
    case JSON_STRING:
        return text_value(std::string(json_string_value(json), json_string_length(json)), input);
    case JSON_INTEGER:
        return jinja::mk_val<jinja::value_int>(json_integer_value(json));
    case JSON_REAL:
        return jinja::mk_val<jinja::value_float>(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return jinja::mk_val<jinja::value_bool>(json_is_true(json));
    case JSON_NULL:
        break;
    }
    return jinja::mk_val<jinja::value_none>();
}

/* The engine's own range, for no more numbers than any prompt needs. */
jinja::value range_bounded(const jinja::func_args &args)
{
    int64_t bounds[3] = {0, 0, 1};
    args.ensure_count(1, 3);
    for (size_t i = 0; i < args.count(); i++) {
        bounds[args.count() == 1 ? 1 : i] = args.get_pos(i)->as_int();
    }
    const int64_t step = bounds[2];
    auto numbers = jinja::mk_val<jinja::value_array>();
    if (step == 0 || step < -RANGE_MAX || step > RANGE_MAX) {
        throw std::runtime_error("range: bad step");
    }
    int64_t count = 0;
    for (int64_t i = bounds[0]; step > 0 ? i < bounds[1] : i > bounds[1]; i += step) {
        if (++count > RANGE_MAX || i > INT64_MAX - RANGE_MAX || i < INT64_MIN + RANGE_MAX) {
            throw std::runtime_error("range: too many numbers");
        }
        numbers->push_back(jinja::mk_val<jinja::value_int>(i));
    }
    return numbers;
}

/* Stands in for the engine's own, which would use the machine's time zone. */
jinja::value clock_format(const jinja::func_args &args)
{
    const std::time_t now = AVER_TEMPLATE_CLOCK;
    std::tm parts = {};
    args.ensure_count(1);
    const std::string format = args.get_pos(0)->as_string().str();
    if (gmtime_r(&now, &parts) == nullptr) {
        throw std::runtime_error("strftime_now: no time");
    }
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << std::put_time(&parts, format.c_str());
    return text_value(text.str(), false);
}

/* A step for each part of what is to be rendered: values in messages and tools. */
size_t json_parts(const json_t *json)
{
    size_t count = 1;
    const char *key;
    json_t *member;
    json_object_foreach(const_cast<json_t *>(json), key, member)
    {
        count += json_parts(member);
    }
    for (size_t i = 0; json_is_array(json) && i < json_array_size(json); i++) {
        count += json_parts(json_array_get(json, i));
    }
    return count;
}

void render(const aver_template &chat, const json_t *messages, const json_t *tools,
            aver_template_part_fn *on_part, void *user)
{
    jinja::context context(chat.source);
    context.current_time = AVER_TEMPLATE_CLOCK;
    context.set_val("strftime_now", jinja::mk_val<jinja::value_func>("strftime_now", clock_format));
    context.set_val("range", jinja::mk_val<jinja::value_func>("range", range_bounded));
    const size_t items = json_array_size(messages) + (tools == nullptr ? 0 : json_parts(tools));
    steps_left = std::min(STEPS_MESSAGE * (items + STEPS_MESSAGES_MORE), STEPS_MAX);
    context.set_val("messages", json_value(messages, true));
    if (tools != nullptr) {
        context.set_val("tools", json_value(tools, true));
    }
    context.set_val("bos_token", text_value(chat.bos, false));
    context.set_val("eos_token", text_value(chat.eos, false));
    context.set_val("add_generation_prompt", jinja::mk_val<jinja::value_bool>(true));
    jinja::runtime runtime(context);
    const jinja::value results = runtime.execute(chat.program);
    auto parts = jinja::runtime::gather_string_parts(results);
    for (const auto &part : parts->as_string().parts) {
        aver_template_part out = {part.val.data(), part.val.size(), part.is_input};
        on_part(&out, user);
    }
}

/* How the template is seen to treat some messages and a tool. */
aver_template_abilities abilities_of(jinja::program &program)
{
    aver_template_bound();
    aver_template_allow(STEPS_MAX);
    const jinja::caps caps = jinja::caps_get(program);
    aver_template_abilities abilities = {};
    abilities.tools = caps.supports_tools && caps.supports_tool_calls;
    abilities.object_arguments = caps.supports_object_arguments;
    abilities.system = caps.supports_system_role;
    abilities.typed_content = caps.supports_typed_content && !caps.supports_string_content;
    if (steps_left == 0) {
        abilities = {}; /* it took too many steps: nothing was learnt */
        abilities.system = true;
    }
    return abilities;
}

}

void aver_template_steps(jinja::statements &body)
{
    steps_insert(body);
}

extern "C" void aver_template_allow(size_t steps)
{
    steps_left = steps;
}

extern "C" void aver_template_bound(void)
{
    /* The engine keeps its functions in one table of the process; templates that it renders by
     * itself, to learn about them, see no other. */
    static const bool done = [] {
        auto &functions = const_cast<jinja::func_builtins &>(jinja::global_builtins());
        functions["range"] = range_bounded;
        functions["strftime_now"] = clock_format;
        return true;
    }();
    (void)done;
}

extern "C" aver_template *aver_template_new(const char *source, size_t size, const char *bos,
                                            const char *eos, char ret_why[AVER_TEMPLATE_WHY_BYTES])
{
    try {
        jinja::lexer lexer;
        auto tokens = lexer.tokenize(std::string(source, size));
        auto chat = std::make_unique<aver_template>(
            aver_template{tokens.source, bos, eos, jinja::parse_from_tokens(tokens), {}});
        steps_insert(chat->program.body);
        chat->abilities = abilities_of(chat->program);
        return chat.release();
    } catch (const std::exception &error) {
        why_set(ret_why, error.what());
    } catch (...) {
        why_set(ret_why, "the chat template cannot be read");
    }
    return nullptr;
}

extern "C" void aver_template_free(aver_template *chat)
{
    delete chat;
}

extern "C" void aver_template_able(const aver_template *chat,
                                   aver_template_abilities *ret_abilities)
{
    *ret_abilities = chat->abilities;
}

extern "C" bool aver_template_render(const aver_template *chat, const json_t *messages,
                                     const json_t *tools, aver_template_part_fn *on_part,
                                     void *context, char ret_why[AVER_TEMPLATE_WHY_BYTES])
{
    try {
        render(*chat, messages, tools, on_part, context);
        return true;
    } catch (const std::exception &error) {
        why_set(ret_why, error.what());
    } catch (...) {
        why_set(ret_why, "the chat template failed");
    }
    return false;
}
