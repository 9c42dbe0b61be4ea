/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_TEMPLATE_STEPS_H
#define AVER_ENGINE_TEMPLATE_STEPS_H

/* template_steps: bounds on the work of templates, for C++ files that run one by themselves. */

#include "engine/template.h"

#include "jinja/runtime.h"

/* Puts a counter into every loop and macro of a parsed template; aver_template_allow sets how far
 * it may count. */
void aver_template_steps(jinja::statements &body);

#endif
