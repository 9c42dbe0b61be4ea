/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/template.h"

#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "jinja/value.h"

#include <cstring>
#include <ctime>
#include <exception>
#include <iomanip>
#include <locale>
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
    size_t size = std::strcspn(text, "\n");
    size = size < AVER_TEMPLATE_WHY_BYTES ? size : AVER_TEMPLATE_WHY_BYTES - 1;
    std::memcpy(ret_why, text, size);
    ret_why[size] = '\0';
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
        return new aver_template{tokens.source, bos, eos, jinja::parse_from_tokens(tokens)};
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
