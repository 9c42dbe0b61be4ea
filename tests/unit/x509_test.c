/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/x509.h"
#include "support/pki.h"

#include <string.h>

/* A root, an issuer and a leaf; each test changes one thing. */
typedef struct line {
    pki_options root, middle, leaf;
} line;

typedef struct line_made {
    pki_cert root, middle, leaf;
    aver_certs certs; /* leaf, middle, root */
    aver_certs roots;
} line_made;

static line line_good(void)
{
    return (line){
        .root = {.name = "root", .key = pki_key(0, PKI_P384), .ca = true, .path_length = -1},
        .middle = {.name = "middle",
                   .key = pki_key(1, PKI_P256),
                   .ca = true,
                   .path_length = 0,
                   .serial = 2},
        .leaf = {.name = "leaf", .key = pki_key(2, PKI_P256), .serial = 3}};
}

static void line_make(line *l, line_made *made)
{
    made->root = pki_cert_make(&l->root);
    l->middle.issuer = &made->root;
    made->middle = pki_cert_make(&l->middle);
    l->leaf.issuer = &made->middle;
    made->leaf = pki_cert_make(&l->leaf);
    aver_certs_init(&made->certs);
    aver_certs_init(&made->roots);
    const pki_cert *const order[] = {&made->leaf, &made->middle, &made->root};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(aver_certs_add(&made->certs, aver_buf_view(&order[i]->der)), AVER_OK);
    }
    assert_int_equal(aver_certs_add_der(&made->roots, aver_buf_view(&made->root.der)), AVER_OK);
}

static void line_unmake(line_made *made)
{
    aver_certs_deinit(&made->certs);
    aver_certs_deinit(&made->roots);
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->middle);
    pki_cert_deinit(&made->leaf);
}

static aver_path line_judge(const line_made *made, const char *const *known,
                            aver_x509_result *ret_result)
{
    const aver_x509_options options = {
        .roots = {.given = &made->roots}, .time_s = PKI_NOW_S, .critical_known = known};
    assert_int_equal(aver_x509_judge(&made->certs, 0, &options, ret_result), AVER_OK);
    if (ret_result->path != AVER_PATH_GOOD) {
        assert_true(ret_result->why[0] != '\0');
    }
    return ret_result->path;
}

static aver_path path_of(line *l)
{
    line_made made;
    aver_x509_result result;
    line_make(l, &made);
    aver_path path = line_judge(&made, NULL, &result);
    line_unmake(&made);
    return path;
}

static void a_good_path_is_told_with_its_time(void **state)
{
    (void)state;
    line l = line_good();
    line_made made;
    aver_x509_result result;
    l.leaf.from_s = PKI_NOW_S - 10;
    l.middle.to_s = PKI_NOW_S + 20;
    line_make(&l, &made);
    assert_int_equal(line_judge(&made, NULL, &result), AVER_PATH_GOOD);
    assert_int_equal(result.chain_count, 3);
    assert_ptr_equal(result.chain[0], &made.certs.list[0]);
    assert_int_equal(result.not_before_s, PKI_NOW_S - 10);
    assert_int_equal(result.not_after_s, PKI_NOW_S + 20);
    line_unmake(&made);
}

static void a_pinned_root_is_found_among_what_came(void **state)
{
    (void)state;
    line l = line_good();
    line_made made;
    aver_x509_result result;
    uint8_t pins[2][32] = {{0}, {0}};
    line_make(&l, &made);
    aver_sha256_of(aver_buf_view(&made.root.der), pins[1]);
    aver_x509_options options = {.roots = {.pinned = (const uint8_t(*)[32])pins, .pinned_count = 2},
                                 .time_s = PKI_NOW_S};
    assert_int_equal(aver_x509_judge(&made.certs, 0, &options, &result), AVER_OK);
    assert_int_equal(result.path, AVER_PATH_GOOD);
    pins[1][31] ^= 1;
    assert_int_equal(aver_x509_judge(&made.certs, 0, &options, &result), AVER_OK);
    assert_int_equal(result.path, AVER_PATH_UNTRUSTED);
    line_unmake(&made);
}

static void rights_and_strengths_are_asked_for(void **state)
{
    (void)state;
    line forms[8];
    for (size_t i = 0; i < 8; i++) {
        forms[i] = line_good();
    }
    forms[0].middle.ca = false;
    forms[1].middle.wrong_usage = true;
    forms[2].middle.version1 = true;
    forms[3].root.path_length = 0; /* one issuer below it is one too many */
    forms[4].leaf.sha1 = true;
    forms[5].root.version1 = true;
    forms[6].root.wrong_usage = true;
    forms[7].middle.no_usage = true; /* the only good one */
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(path_of(&forms[i]), AVER_PATH_UNTRUSTED);
    }
    assert_int_equal(path_of(&forms[7]), AVER_PATH_GOOD);
}

static void every_certificate_has_its_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t late = 0; late < 2; late++) {
            line l = line_good();
            pki_options *one = i == 0 ? &l.root : i == 1 ? &l.middle : &l.leaf;
            *(late != 0 ? &one->to_s : &one->from_s) = late != 0 ? PKI_NOW_S - 1 : PKI_NOW_S + 1;
            assert_int_equal(path_of(&l), AVER_PATH_EXPIRED);
            /* The first and the last second are within. */
            *(late != 0 ? &one->to_s : &one->from_s) = PKI_NOW_S;
            assert_int_equal(path_of(&l), AVER_PATH_GOOD);
        }
    }
}

static void critical_extensions_are_known_or_refused(void **state)
{
    (void)state;
    static const uint8_t value[] = {0x05, 0x00};
    static const pki_extension extra[] = {
        {.oid = "2.23.133.5.4.1.1", .critical = true, .value = {value, sizeof value}},
        {.oid = "1.2.3.4", .critical = false, .value = {value, sizeof value}},
        {.oid = NULL}};
    static const char *const known[] = {"2.23.133.5.4.1", "2.23.133.5.4.1.1", NULL};
    static const char *const others[] = {"2.23.133.5.4.1", "1.2.3.4", NULL};
    line l = line_good();
    line_made made;
    aver_x509_result result;
    aver_view found;
    l.leaf.extensions = extra;
    line_make(&l, &made);
    assert_int_equal(line_judge(&made, NULL, &result), AVER_PATH_UNTRUSTED);
    assert_int_equal(line_judge(&made, others, &result), AVER_PATH_UNTRUSTED);
    assert_int_equal(line_judge(&made, known, &result), AVER_PATH_GOOD);
    assert_int_equal(aver_cert_extension(&made.certs.list[0], "1.2.3.4", &found), AVER_OK);
    assert_true(aver_view_equal(found, AVER_VIEW_OF(value)));
    assert_int_equal(aver_cert_extension(&made.certs.list[0], "1.2.3.5", &found), AVER_E_ABSENT);
    line_unmake(&made);
}

static void extensions_twice_are_refused(void **state)
{
    (void)state;
    static const uint8_t value[] = {0x05, 0x00};
    static const pki_extension twice[] = {{.oid = "1.2.3.4", .value = {value, sizeof value}},
                                          {.oid = "1.2.3.4", .value = {value, sizeof value}},
                                          {.oid = NULL}};
    line l = line_good();
    line_made made;
    aver_view found;
    l.leaf.extensions = twice;
    line_make(&l, &made);
    assert_int_equal(aver_cert_extension(&made.certs.list[0], "1.2.3.4", &found), AVER_E_FORMAT);
    line_unmake(&made);
}

static void bytes_that_are_no_certificates_are_refused(void **state)
{
    (void)state;
    line l = line_good();
    line_made made;
    aver_certs certs;
    line_make(&l, &made);
    aver_certs_init(&certs);
    aver_view der = aver_buf_view(&made.leaf.der);
    for (size_t size = 0; size < der.size; size++) {
        assert_int_not_equal(aver_certs_add_der(&certs, aver_view_make(der.data, size)), AVER_OK);
    }
    aver_buf_append_byte(&made.leaf.der, 0);
    assert_int_equal(aver_certs_add_der(&certs, aver_buf_view(&made.leaf.der)), AVER_E_FORMAT);
    assert_int_equal(aver_certs_add(&certs, aver_view_text("")), AVER_E_FORMAT);
    assert_int_equal(aver_certs_add(&certs, aver_view_text("-----BEGIN CERTIFICATE-----\n")),
                     AVER_E_FORMAT);
    assert_int_equal(certs.count, 0);
    line_unmake(&made);
}

static void pem_is_read_strictly(void **state)
{
    (void)state;
    static const char *const before[] = {"", "\n \r\n", "text\n"};
    static const char *const after[] = {"", "\n\t ", "-----BEGIN PUBLIC KEY-----\n"};
    line l = line_good();
    line_made made;
    line_make(&l, &made);
    for (size_t i = 0; i < 9; i++) {
        aver_certs certs;
        aver_buf text;
        aver_certs_init(&certs);
        aver_buf_init(&text, 65536);
        aver_buf_append_text(&text, before[i / 3]);
        pki_pem(&made.leaf, &text);
        pki_pem(&made.middle, &text);
        aver_buf_append_text(&text, after[i % 3]);
        aver_buf_append_byte(&text, 0);
        bool good = i / 3 < 2 && i % 3 < 2;
        assert_int_equal(aver_certs_add(&certs, aver_buf_view(&text)),
                         good ? AVER_OK : AVER_E_FORMAT);
        assert_int_equal(certs.count, good ? 2 : 0);
        aver_certs_deinit(&certs);
        aver_buf_deinit(&text);
    }
    line_unmake(&made);
}

static void no_more_certificates_than_there_is_room_for(void **state)
{
    (void)state;
    line l = line_good();
    line_made made;
    aver_certs certs;
    line_make(&l, &made);
    aver_certs_init(&certs);
    for (size_t i = 0; i < AVER_CERTS_MAX; i++) {
        assert_int_equal(aver_certs_add_der(&certs, aver_buf_view(&made.leaf.der)), AVER_OK);
    }
    assert_int_equal(aver_certs_add_der(&certs, aver_buf_view(&made.leaf.der)), AVER_E_LIMIT);
    aver_certs_deinit(&certs);
    line_unmake(&made);
}

static aver_path list_judge(const line_made *made, const pki_crl_options *options, aver_err wanted,
                            bool covered[AVER_CERTS_MAX + 1])
{
    aver_x509_result result;
    aver_path path = AVER_PATH_UNTRUSTED;
    char why[AVER_X509_WHY_BYTES];
    aver_buf der;
    memset(covered, 0, AVER_CERTS_MAX + 1);
    aver_buf_init(&der, AVER_CRL_BYTES_MAX);
    pki_crl(options, &der);
    assert_int_equal(line_judge(made, NULL, &result), AVER_PATH_GOOD);
    assert_int_equal(
        aver_x509_revoked(aver_buf_view(&der), &result, PKI_NOW_S, &path, covered, why), wanted);
    aver_buf_deinit(&der);
    return path;
}

static void revocation_lists_are_judged(void **state)
{
    (void)state;
    static const uint64_t leaf_serial[] = {9, 3, 0};
    static const uint64_t middle_serial[] = {2, 0};
    bool covered[AVER_CERTS_MAX + 1];
    line l = line_good();
    line_made made;
    line_make(&l, &made);
    pki_crl_options of_middle = {.issuer = &made.middle};
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_GOOD);
    assert_true(covered[0] && !covered[1] && !covered[2]);
    of_middle.revoked = leaf_serial;
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_REVOKED);
    /* The serial of another issuer's certificate means nothing. */
    of_middle.revoked = middle_serial;
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_GOOD);
    pki_crl_options of_root = {.issuer = &made.root, .revoked = middle_serial};
    assert_int_equal(list_judge(&made, &of_root, AVER_OK, covered), AVER_PATH_REVOKED);
    of_middle = (pki_crl_options){.issuer = &made.middle, .to_s = PKI_NOW_S - 1};
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_EXPIRED);
    of_middle = (pki_crl_options){.issuer = &made.middle, .from_s = PKI_NOW_S + 1};
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_EXPIRED);
    of_middle = (pki_crl_options){.issuer = &made.middle, .signer = pki_key(7, PKI_P256)};
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_BAD_CRL);
    of_middle = (pki_crl_options){.issuer = &made.middle, .critical = true};
    assert_int_equal(list_judge(&made, &of_middle, AVER_OK, covered), AVER_PATH_BAD_CRL);
    pki_cert stranger = pki_cert_make(&(pki_options){
        .name = "stranger", .key = pki_key(8, PKI_P256), .ca = true, .path_length = -1});
    of_middle = (pki_crl_options){.issuer = &stranger};
    (void)list_judge(&made, &of_middle, AVER_E_ABSENT, covered);
    pki_cert_deinit(&stranger);
    line_unmake(&made);
}

static void lists_cut_or_followed_by_bytes_are_refused(void **state)
{
    (void)state;
    bool covered[AVER_CERTS_MAX + 1] = {false};
    char why[AVER_X509_WHY_BYTES];
    aver_path path;
    aver_x509_result result;
    aver_buf der;
    line l = line_good();
    line_made made;
    line_make(&l, &made);
    aver_buf_init(&der, AVER_CRL_BYTES_MAX);
    pki_crl(&(pki_crl_options){.issuer = &made.middle}, &der);
    assert_int_equal(line_judge(&made, NULL, &result), AVER_PATH_GOOD);
    for (size_t size = 0; size < der.size; size++) {
        assert_int_equal(aver_x509_revoked(aver_view_make(der.data, size), &result, PKI_NOW_S,
                                           &path, covered, why),
                         AVER_E_FORMAT);
    }
    aver_buf_append_byte(&der, 0);
    assert_int_equal(
        aver_x509_revoked(aver_buf_view(&der), &result, PKI_NOW_S, &path, covered, why),
        AVER_E_FORMAT);
    aver_buf_deinit(&der);
    line_unmake(&made);
}

static void subjects_and_keys_are_read(void **state)
{
    (void)state;
    char text[64];
    char small[4];
    uint8_t point[132];
    aver_curve curve;
    aver_view found;
    line l = line_good();
    line_made made;
    line_make(&l, &made);
    const aver_cert *leaf = &made.certs.list[0];
    assert_int_equal(aver_cert_subject(leaf, text, sizeof text), AVER_OK);
    assert_string_equal(text, "CN=leaf");
    assert_int_equal(aver_cert_subject(leaf, small, sizeof small), AVER_E_LIMIT);
    assert_int_equal(aver_cert_common_name(leaf, text, sizeof text), AVER_OK);
    assert_string_equal(text, "leaf");
    assert_int_equal(aver_cert_ec_point(leaf, &curve, &found), AVER_OK);
    assert_int_equal(curve, AVER_CURVE_P256);
    assert_true(aver_view_equal(found, aver_view_make(point, pki_point(made.leaf.key, point))));
    assert_true(aver_cert_may_sign(leaf));
    assert_false(aver_cert_may_sign(&made.certs.list[1]));
    line_unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_path_is_told_with_its_time),
        cmocka_unit_test(a_pinned_root_is_found_among_what_came),
        cmocka_unit_test(rights_and_strengths_are_asked_for),
        cmocka_unit_test(every_certificate_has_its_time),
        cmocka_unit_test(critical_extensions_are_known_or_refused),
        cmocka_unit_test(extensions_twice_are_refused),
        cmocka_unit_test(bytes_that_are_no_certificates_are_refused),
        cmocka_unit_test(pem_is_read_strictly),
        cmocka_unit_test(no_more_certificates_than_there_is_room_for),
        cmocka_unit_test(revocation_lists_are_judged),
        cmocka_unit_test(lists_cut_or_followed_by_bytes_are_refused),
        cmocka_unit_test(subjects_and_keys_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
