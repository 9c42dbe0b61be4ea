/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/template.h"

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

jinja::value message_value(const aver_template_message &message)
{
    auto object = jinja::mk_val<jinja::value_object>();
    std::string role = message.role;
    object->insert("role", text_value(role == "developer" ? "system" : role, false));
    object->insert("content", text_value(std::string(message.content, message.content_size), true));
    if (message.name != nullptr) {
        object->insert("name", text_value(message.name, true));
    }
    return object;
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

void render(const aver_template &chat, const aver_template_message *messages, size_t count,
            aver_template_part_fn *on_part, void *user)
{
    jinja::context context(chat.source);
    context.current_time = AVER_TEMPLATE_CLOCK;
    context.set_val("strftime_now", jinja::mk_val<jinja::value_func>("strftime_now", clock_format));
    context.set_val("range", jinja::mk_val<jinja::value_func>("range", range_bounded));
    steps_left = std::min(STEPS_MESSAGE * (count + STEPS_MESSAGES_MORE), STEPS_MAX);
    auto list = jinja::mk_val<jinja::value_array>();
    for (size_t i = 0; i < count; i++) {
        list->push_back(message_value(messages[i]));
    }
    context.set_val("messages", list);
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

}

extern "C" aver_template *aver_template_new(const char *source, size_t size, const char *bos,
                                            const char *eos, char ret_why[AVER_TEMPLATE_WHY_BYTES])
{
    try {
        jinja::lexer lexer;
        auto tokens = lexer.tokenize(std::string(source, size));
        auto chat = std::make_unique<aver_template>(
            aver_template{tokens.source, bos, eos, jinja::parse_from_tokens(tokens)});
        steps_insert(chat->program.body);
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

extern "C" bool aver_template_render(const aver_template *chat,
                                     const aver_template_message *messages, size_t count,
                                     aver_template_part_fn *on_part, void *context,
                                     char ret_why[AVER_TEMPLATE_WHY_BYTES])
{
    try {
        render(*chat, messages, count, on_part, context);
        return true;
    } catch (const std::exception &error) {
        why_set(ret_why, error.what());
    } catch (...) {
        why_set(ret_why, "the chat template failed");
    }
    return false;
}
