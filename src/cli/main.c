/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/sim_verify.h"
#include "aver/platforms.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
    static const aver_platform *const platforms[] = {
        &aver_platform_sim, &aver_platform_nitro, &aver_platform_sgx, &aver_platform_tdx,
        &aver_platform_snp, &aver_platform_azure, &aver_platform_cca, NULL};
    return (int)aver_cli_main(platforms, argc, (const char *const *)argv);
}
