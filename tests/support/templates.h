/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_TEMPLATES_H
#define AVER_TESTS_SUPPORT_TEMPLATES_H

/* templates: chat templates in the style of families that call tools. */

/* Calls in tags, one JSON object each. */
#define TEMPLATE_TAGS                                                                              \
    "{% if tools %}<|im_start|>system\nTools:\n<tools>{% for t in tools %}\n{{ t | tojson }}"      \
    "{% endfor %}\n</tools><|im_end|>\n{% endif %}{% for m in messages %}{% if m.role == 'tool' "  \
    "%}<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n{% else "   \
    "%}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls %}\n<tool_call>\n"        \
    "{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n"  \
    "</tool_call>{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}"    \
    "<|im_start|>assistant\n{% endif %}"

/* A call is the whole answer, one bare JSON object. */
#define TEMPLATE_BARE                                                                              \
    "{{ bos_token }}{% for m in messages %}{% if m.tool_calls %}<|start_header_id|>assistant"      \
    "<|end_header_id|>\n\n{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": "    \
    "{{ m.tool_calls[0].function.arguments | tojson }}}<|eot_id|>{% elif m.role == 'tool' %}"      \
    "<|start_header_id|>ipython<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% else %}"           \
    "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}{% if loop.first and "     \
    "tools %}{{ tools | tojson }}{% endif %}<|eot_id|>{% endif %}{% endfor %}"                     \
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"

/* A mark, then a JSON list of calls. */
#define TEMPLATE_LIST                                                                              \
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' or m.role == 'system' %}"        \
    "{% if tools %}[AVAILABLE_TOOLS] {{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}"            \
    "[INST] {{ m.content }}[/INST]{% elif m.tool_calls %}[TOOL_CALLS] [{% for c in m.tool_calls "  \
    "%}{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}, " \
    "\"id\": \"{{ c.id }}\"}{% if not loop.last %}, {% endif %}{% endfor %}]{{ eos_token }}"       \
    "{% elif m.role == 'tool' %}[TOOL_RESULTS] {\"content\": {{ m.content | tojson }}, "           \
    "\"call_id\": \"{{ m.tool_call_id }}\"}[/TOOL_RESULTS]{% else %} {{ m.content }}"              \
    "{{ eos_token }}{% endif %}{% endfor %}"

#endif
