/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

const aver_tee_platform *const *aver_tee_platforms(void)
{
    static const aver_tee_platform *const platforms[] = {NULL};
    return platforms;
}
