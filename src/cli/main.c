/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/sim_verify.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
    static const aver_platform *const platforms[] = {&aver_platform_sim, NULL};
    return (int)aver_cli_main(platforms, argc, (const char *const *)argv);
}
