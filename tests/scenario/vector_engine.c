/* SPDX-License-Identifier: Apache-2.0 */
/* An engine of embeddings that says what its inputs tell it to say. */
#include "support/script_engine.h"

int main(void)
{
    return script_serve(true);
}
