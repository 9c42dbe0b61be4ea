/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/served.h"

#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static aver_err served_file(const char *path, bool copied, aver_weights *ret_weights, char *ret_why)
{
    char why[160] = "";
    aver_err err = copied ? aver_weights_open(path, 0, 0, ret_weights, why)
                          : aver_weights_inspect(path, 0, ret_weights, why);
    if (err != AVER_OK) {
        (void)snprintf(ret_why, AVER_SERVED_WHY_BYTES, "%.70s: %.120s", path,
                       why[0] != '\0' ? why : aver_err_text(err));
    }
    return err;
}

static aver_err served_adapter(aver_served *served, const char *spec, bool copied, char *ret_why)
{
    char path[AVER_ADAPTER_PATH_BYTES_MAX];
    size_t index = served->adapters_count;
    if (index == AVER_ADAPTERS_MAX ||
        aver_adapter_spec_parse(spec, path, &served->scales_ppm[index]) != AVER_OK) {
        (void)snprintf(ret_why, AVER_SERVED_WHY_BYTES,
                       "adapters are FILE[:SCALE], at most 8, the scale above 0 and at most 100");
        return AVER_E_USAGE;
    }
    aver_err err = served_file(path, copied, &served->adapters[index], ret_why);
    served->adapters_count += err == AVER_OK ? 1 : 0;
    return err;
}

static aver_err served_adapters(aver_served *served, const char *lora, bool copied, char *ret_why)
{
    aver_err err = AVER_OK;
    char *copy = strdup(lora);
    char *rest = copy;
    if (copy == NULL) {
        return AVER_E_NOMEM;
    }
    for (const char *spec = aver_list_cut(&rest); spec != NULL && err == AVER_OK;
         spec = aver_list_cut(&rest)) {
        err = served_adapter(served, spec, copied, ret_why);
    }
    free(copy);
    return err;
}

aver_err aver_served_open(const char *path, const char *lora, bool copied, aver_served *ret_served,
                          char ret_why[AVER_SERVED_WHY_BYTES])
{
    aver_adapter_root roots[AVER_ADAPTERS_MAX];
    aver_served served = {.adapters_count = 0};
    aver_err err = served_file(path, copied, &served.weights, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    err = lora != NULL ? served_adapters(&served, lora, copied, ret_why) : AVER_OK;
    if (err != AVER_OK) {
        aver_served_close(&served);
        return err;
    }
    for (size_t i = 0; i < served.adapters_count; i++) {
        memcpy(roots[i].root, served.adapters[i].root, 32);
        roots[i].scale_ppm = served.scales_ppm[i];
    }
    aver_adapted_root(served.weights.root, roots, served.adapters_count, served.root);
    *ret_served = served;
    return AVER_OK;
}

void aver_served_close(aver_served *served)
{
    for (size_t i = 0; i < served->adapters_count; i++) {
        aver_weights_close(&served->adapters[i]);
    }
    aver_weights_close(&served->weights);
    *served = (aver_served){.adapters_count = 0};
}

void aver_served_options(const aver_served *served, aver_engine_options *options)
{
    options->weights_fd = served->weights.fd;
    options->adapters_count = served->adapters_count;
    for (size_t i = 0; i < served->adapters_count; i++) {
        options->adapters[i] =
            (aver_engine_adapter){.fd = served->adapters[i].fd, .scale_ppm = served->scales_ppm[i]};
    }
}
