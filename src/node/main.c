/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aver-node, the measured program; built a second time with AVER_WITH_SIM as aver-node-sim, which
 * has the simulator platform and can run another engine program for the tests of hostile engines.
 * The engine child is this same program under another name.
 */

#include "node/engine_link.h"
#include "node/keeper.h"

#include <stdio.h>
#include <string.h>

#ifdef AVER_WITH_SIM
#include "tee/sim.h"

static const aver_tee_platform *const main_platforms[] = {&aver_tee_sim, NULL};

static aver_node_build main_build(void)
{
    (void)fprintf(stderr, "SIMULATED TEE: proves nothing. For tests and demonstrations only.\n");
    return (aver_node_build){
        .program = "aver-node-sim",
        .platforms = main_platforms,
        .engine_option = "sim-engine",
        .platform_help =
            "  sim:key=FILE[,tcb=N][,debug=1]   FILE holds the root key, made if absent\n"
            "  --sim-engine PROGRAM             runs another engine program",
    };
}
#else
static aver_node_build main_build(void)
{
    return (aver_node_build){.program = "aver-node", .platforms = aver_tee_platforms()};
}
#endif

int main(int argc, char **argv)
{
    aver_node_options options;

    if (argc == 2 && strcmp(argv[0], AVER_ENGINE_ARGV0) == 0 &&
        strcmp(argv[1], AVER_ENGINE_ARGV1) == 0) {
        aver_engine_files files = aver_link_files();

        return aver_engine_serve(AVER_LINK_SOCKET_FD, &files, true);
    }
    aver_node_build build = main_build();
    switch (aver_node_options_parse(&build, argc, argv, &options)) {
    case AVER_OPTIONS_SHOWN:
        return 0;
    case AVER_OPTIONS_WRONG:
        return 2;
    case AVER_OPTIONS_RUN:
        break;
    }
    aver_log_setup(options.log_level, options.log_json);
    int status = aver_keeper_run(&build, &options);
    aver_node_options_deinit(&options);
    return status;
}
