/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/gpu.h"
#include "aver/platforms.h"
#include "codec/cbor.h"
#include "support/attest_cases.h"
#include "support/dcap_make.h"
#include "support/nvidia_make.h"

enum { LIST_BYTES_MAX = 1 << 20, DEVICES_MAX = 3 };

/* A list of devices; the defaults hold. */
typedef struct gpus {
    nvidia_made made[DEVICES_MAX];
    size_t count;
    aver_buf list;
    aver_gpu_input input;
    aver_verdict verdict;
} gpus;

static const nvidia_values vbios = {.version = "96.00.A5.00.01", .from = 0, .to = 12};
static const nvidia_values driver = {.version = "550.1", .from = 12, .to = 38};

static void put_values(const nvidia_made *made, const nvidia_values *values, aver_buf *out)
{
    aver_buf text;
    aver_buf_init(&text, LIST_BYTES_MAX);
    nvidia_make_values(made, values, &text);
    aver_cbor_put_bytes(out, aver_buf_view(&text));
    aver_buf_deinit(&text);
}

static void put_device(gpus *g, const nvidia_recipe *recipe, bool with_driver)
{
    nvidia_made *made = &g->made[g->count++];
    nvidia_make(recipe, made);
    aver_cbor_put_array(&g->list, 5);
    aver_cbor_put_text(&g->list, "nvidia");
    aver_cbor_put_bytes(&g->list, aver_buf_view(&made->report));
    aver_cbor_put_bytes(&g->list, aver_buf_view(&made->chain));
    aver_cbor_put_array(&g->list, 0);
    aver_cbor_put_array(&g->list, with_driver ? 2 : 1);
    put_values(made, &vbios, &g->list);
    if (with_driver) {
        put_values(made, &driver, &g->list);
    }
}

static void gpus_begin(gpus *g, uint64_t devices)
{
    memset(g, 0, sizeof *g);
    aver_buf_init(&g->list, LIST_BYTES_MAX);
    aver_cbor_put_array(&g->list, devices);
}

static void gpus_judge(gpus *g)
{
    g->input = (aver_gpu_input){
        .evidence = aver_buf_view(&g->list),
        .nonce = AVER_VIEW_OF(nvidia_recipe_good.nonce),
        .roots = {{aver_buf_view(&g->made[0].root.der), aver_buf_view(&g->made[0].values_root.der)},
                  2},
        .time_s = PKI_NOW_S};
    aver_verdict_init(&g->verdict);
    assert_int_equal(aver_gpu_judge(&g->input, &g->verdict), AVER_OK);
}

static void gpus_end(gpus *g)
{
    for (size_t i = 0; i < g->count; i++) {
        nvidia_made_deinit(&g->made[i]);
    }
    aver_buf_deinit(&g->list);
}

static bool passed(const gpus *g, const char *name)
{
    const aver_check *check = aver_verdict_find(&g->verdict, name);
    return check != NULL && check->status == AVER_CHECK_PASS;
}

static nvidia_recipe device_of(unsigned number)
{
    nvidia_recipe recipe = nvidia_recipe_good;
    recipe.device = number;
    return recipe;
}

static void devices_of_one_machine_hold(void **state)
{
    (void)state;
    gpus g;
    nvidia_recipe second = device_of(1);
    gpus_begin(&g, 2);
    put_device(&g, &nvidia_recipe_good, true);
    put_device(&g, &second, true);
    gpus_judge(&g);
    assert_true(passed(&g, "gpu.evidence") && passed(&g, "gpu.nonce"));
    gpus_end(&g);
}

static void a_device_that_does_not_hold_fails(void **state)
{
    (void)state;
    gpus g;
    nvidia_recipe second = device_of(1);
    second.other_signer = true;
    gpus_begin(&g, 2);
    put_device(&g, &nvidia_recipe_good, true);
    put_device(&g, &second, true);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_BAD_SIGNATURE));
    gpus_end(&g);
}

static void a_device_twice_fails(void **state)
{
    (void)state;
    gpus g;
    gpus_begin(&g, 2);
    put_device(&g, &nvidia_recipe_good, true);
    put_device(&g, &nvidia_recipe_good, true);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_KEY_MISMATCH));
    gpus_end(&g);
}

static void a_device_without_its_values_fails(void **state)
{
    (void)state;
    gpus g;
    gpus_begin(&g, 1);
    put_device(&g, &nvidia_recipe_good, false);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_COLLATERAL_MISSING));
    gpus_end(&g);
}

static void a_report_of_another_moment_fails(void **state)
{
    (void)state;
    gpus g;
    nvidia_recipe second = device_of(1);
    second.nonce[31] ^= 1;
    gpus_begin(&g, 2);
    put_device(&g, &nvidia_recipe_good, true);
    put_device(&g, &second, true);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.nonce", AVER_REASON_NONCE_MISMATCH));
    gpus_end(&g);
}

static void lists_that_cannot_be_read_fail(void **state)
{
    (void)state;
    gpus g;
    gpus_begin(&g, 0); /* a list of nothing */
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_MALFORMED));
    gpus_end(&g);
    gpus_begin(&g, 2); /* a device that is missing */
    put_device(&g, &nvidia_recipe_good, true);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_MALFORMED));
    gpus_end(&g);
    gpus_begin(&g, 1); /* something behind */
    put_device(&g, &nvidia_recipe_good, true);
    aver_cbor_put_null(&g.list);
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_MALFORMED));
    gpus_end(&g);
    gpus_begin(&g, 1); /* another family */
    aver_cbor_put_array(&g.list, 5);
    aver_cbor_put_text(&g.list, "sim");
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_MALFORMED));
    gpus_end(&g);
    gpus_begin(&g, 17); /* more than any machine has */
    gpus_judge(&g);
    assert_true(fails_alone(&g.verdict, "gpu.evidence", AVER_REASON_MALFORMED));
    gpus_end(&g);
}

static void no_list_is_no_verdict(void **state)
{
    (void)state;
    gpus g;
    gpus_begin(&g, 0);
    aver_buf_clear(&g.list);
    gpus_judge(&g);
    assert_false(passed(&g, "gpu.evidence") || passed(&g, "gpu.nonce"));
    assert_false(aver_verdict_failed(&g.verdict));
    gpus_end(&g);
}

/* SHA-256("aver/gpu-nonce/1" || 32 bytes 01 || 32 bytes 02). */
static void the_nonce_is_of_keyset_and_nonces(void **state)
{
    (void)state;
    static const uint8_t wanted[32] = {0xb5, 0xb0, 0x5a, 0x3d, 0xc3, 0x28, 0xd4, 0x84,
                                       0xa5, 0x4f, 0xec, 0xf2, 0x2f, 0x1a, 0x91, 0x8c,
                                       0x96, 0xc3, 0xcf, 0x7e, 0xce, 0xee, 0x3f, 0x23,
                                       0x9b, 0xd4, 0x40, 0x6e, 0xff, 0x8b, 0x88, 0xc7};
    uint8_t keyset[32];
    uint8_t root[32];
    uint8_t nonce[32];
    memset(keyset, 1, sizeof keyset);
    memset(root, 2, sizeof root);
    aver_gpu_nonce(keyset, root, nonce);
    assert_memory_equal(nonce, wanted, sizeof wanted);
}

/* A trust domain with a GPU, as a bundle holds it. */
typedef struct machine {
    dcap_made cpu;
    gpus gpu;
    aver_bundle bundle;
    aver_roots roots;
    aver_policy *policy;
    aver_verdict verdict;
    aver_claims claims;
} machine;

static void machine_begin(machine *m, const char *platform)
{
    static const uint8_t keyset[] = "a keyset";
    nvidia_recipe recipe = nvidia_recipe_good;
    dcap_recipe cpu = dcap_recipe_good(true);
    uint8_t keyset_digest[32];
    memset(m, 0, sizeof *m);
    (void)snprintf(m->bundle.platform, sizeof m->bundle.platform, "%s", platform);
    m->bundle.keyset_bytes = AVER_VIEW_OF(keyset);
    memset(m->bundle.nonce_root, 7, sizeof m->bundle.nonce_root);
    aver_keyset_digest(m->bundle.keyset_bytes, keyset_digest);
    aver_gpu_nonce(keyset_digest, m->bundle.nonce_root, recipe.nonce);
    gpus_begin(&m->gpu, 1);
    put_device(&m->gpu, &recipe, true);
    m->bundle.gpu_evidence = aver_buf_view(&m->gpu.list);
    dcap_make(&cpu, &m->cpu);
    m->bundle.evidence = aver_buf_view(&m->cpu.quote);
    m->bundle.collateral[0] =
        (aver_collateral){AVER_VIEW_LITERAL("collateral"), aver_buf_view(&m->cpu.collateral)};
    m->bundle.collateral_count = 1;
    m->roots.test_roots = (aver_attest_roots){{aver_buf_view(&m->cpu.root.der),
                                               aver_buf_view(&m->gpu.made[0].root.der),
                                               aver_buf_view(&m->gpu.made[0].values_root.der)},
                                              3};
    char why[200];
    assert_int_equal(aver_policy_parse(AVER_VIEW_LITERAL("{\"version\":1}"), &m->policy, why),
                     AVER_OK);
}

static void machine_judge(machine *m, const aver_platform *platform)
{
    bool readable = false;
    aver_platform_input input = {
        .bundle = &m->bundle, .roots = &m->roots, .policy = m->policy, .at_ms = PKI_NOW_S * 1000};
    aver_verdict_init(&m->verdict);
    assert_int_equal(platform->judge(&input, &m->verdict, &m->claims, &readable), AVER_OK);
}

static void machine_end(machine *m)
{
    aver_policy_free(m->policy);
    dcap_unmake(&m->cpu);
    gpus_end(&m->gpu);
}

static bool machine_passed(const machine *m, const char *name)
{
    const aver_check *check = aver_verdict_find(&m->verdict, name);
    return check != NULL && check->status == AVER_CHECK_PASS;
}

static void gpus_are_judged_beside_a_cpu(void **state)
{
    (void)state;
    static machine m;
    machine_begin(&m, "tdx");
    machine_judge(&m, &aver_platform_tdx);
    assert_false(aver_verdict_failed(&m.verdict));
    assert_true(machine_passed(&m, "gpu.evidence") && machine_passed(&m, "gpu.nonce"));
    const aver_claim *told = aver_claims_find(&m.claims, NULL, "gpus");
    assert_true(told != NULL && told->kind == AVER_CLAIM_JSON);
    assert_non_null(memmem(told->bytes.data, told->bytes.size, "\"driver_version\":\"550.1\"", 24));
    m.bundle.nonce_root[0] ^= 1; /* the GPU's report is of other nonces */
    machine_judge(&m, &aver_platform_tdx);
    assert_true(fails_alone(&m.verdict, "gpu.nonce", AVER_REASON_NONCE_MISMATCH));
    m.bundle.nonce_root[0] ^= 1;
    m.bundle.keyset_bytes.size--; /* and this one of another keyset */
    machine_judge(&m, &aver_platform_tdx);
    assert_true(fails_alone(&m.verdict, "gpu.nonce", AVER_REASON_NONCE_MISMATCH));
    m.bundle.gpu_evidence = (aver_view){0};
    machine_judge(&m, &aver_platform_tdx);
    assert_false(aver_verdict_failed(&m.verdict) || machine_passed(&m, "gpu.evidence"));
    machine_end(&m);
}

/* Where no GPU is judged, evidence of one is refused, not passed over. */
static void gpus_are_refused_beside_others(void **state)
{
    (void)state;
    static machine m;
    machine_begin(&m, "nitro");
    m.bundle.collateral_count = 0;
    machine_judge(&m, &aver_platform_nitro);
    assert_true(fails_alone(&m.verdict, "evidence.format", AVER_REASON_MALFORMED));
    machine_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_of_one_machine_hold),
        cmocka_unit_test(a_device_that_does_not_hold_fails),
        cmocka_unit_test(a_device_twice_fails),
        cmocka_unit_test(a_device_without_its_values_fails),
        cmocka_unit_test(a_report_of_another_moment_fails),
        cmocka_unit_test(lists_that_cannot_be_read_fail),
        cmocka_unit_test(no_list_is_no_verdict),
        cmocka_unit_test(gpus_are_judged_beside_a_cpu),
        cmocka_unit_test(gpus_are_refused_beside_others),
        cmocka_unit_test(the_nonce_is_of_keyset_and_nonces),
    };
    return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
