/* SPDX-License-Identifier: Apache-2.0 */
/* An engine of texts that says what its prompts tell it to say. */
#include "support/script_engine.h"

int main(void)
{
    return script_serve(false);
}
