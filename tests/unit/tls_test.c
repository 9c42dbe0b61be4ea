/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "net/certificate.h"
#include "net/tls.h"
#include "support/bytes.h"
#include "support/net.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

/* The certificate that a server context shows, in DER. */
static aver_buf tls_certificate_of(struct ssl_ctx_st *tls)
{
    unsigned char *der = NULL;
    aver_buf buf;
    int size = i2d_X509(SSL_CTX_get0_certificate(tls), &der);
    assert_true(size > 0);
    aver_buf_init(&buf, AVER_CERTIFICATE_BYTES_MAX);
    aver_buf_append(&buf, aver_view_make(der, (size_t)size));
    OPENSSL_free(der);
    return buf;
}

static aver_buf tls_certificate_make(const aver_tls_key *key, aver_view cmw)
{
    struct ssl_ctx_st *tls = NULL;
    assert_ok(aver_tls_server_new(key, "aver node", cmw, &tls));
    aver_buf der = tls_certificate_of(tls);
    aver_tls_free(tls);
    return der;
}

static void assert_cmw(aver_view der, const char *expected)
{
    aver_buf cmw;
    aver_buf_init(&cmw, 1024);
    aver_buf_append_text(&cmw, "kept ");
    assert_ok(aver_tls_certificate_cmw(der, &cmw));
    assert_int_equal(cmw.size, 5 + strlen(expected));
    assert_memory_equal(cmw.data + 5, expected, strlen(expected));
    aver_buf_deinit(&cmw);
}

static void test_tls_certificate_carries_key_and_evidence(void **state)
{
    (void)state;
    uint8_t of_key[32];
    uint8_t of_certificate[32];
    aver_tls_key *key = NULL;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, AVER_VIEW_LITERAL("the evidence"));
    aver_tls_key_digest(key, of_key);
    assert_ok(aver_tls_certificate_digest(aver_buf_view(&der), of_certificate));
    assert_memory_equal(of_key, of_certificate, 32);
    assert_cmw(aver_buf_view(&der), "the evidence");
    aver_tls_key *other = NULL;
    assert_ok(aver_tls_key_new(&other));
    aver_tls_key_digest(other, of_key);
    assert_memory_not_equal(of_key, of_certificate, 32);
    aver_tls_key_free(other);
    aver_buf_deinit(&der);
    aver_tls_key_free(key);
}

static void test_tls_certificate_has_its_form(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, AVER_VIEW_LITERAL("e"));
    aver_buf der_again = tls_certificate_make(key, AVER_VIEW_LITERAL("e"));
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    assert_non_null(certificate);
    assert_int_equal(X509_get_version(certificate), X509_VERSION_3);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    time_t now = time(NULL);
    time_t later = now + 89 * 24 * 3600;
    time_t too_late = now + 91 * 24 * 3600;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(certificate), &now), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(certificate), &later), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(certificate), &too_late), -1);
    ASN1_OBJECT *object = OBJ_txt2obj("2.23.133.5.4.9", 1);
    int index = X509_get_ext_by_OBJ(certificate, object, -1);
    assert_true(index >= 0);
    assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(certificate, index)), 0);
    ASN1_OBJECT_free(object);
    at = der_again.data;
    X509 *again = d2i_X509(NULL, &at, (long)der_again.size);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(certificate), X509_get0_serialNumber(again)), 0);
    X509_free(again);
    X509_free(certificate);
    aver_buf_deinit(&der);
    aver_buf_deinit(&der_again);
    aver_tls_key_free(key);
}

static void test_tls_certificate_without_evidence(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    uint8_t digest[32];
    aver_buf cmw;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, (aver_view){0});
    aver_buf_init(&cmw, 64);
    assert_err(aver_tls_certificate_cmw(aver_buf_view(&der), &cmw), AVER_E_ABSENT);
    assert_ok(aver_tls_certificate_digest(aver_buf_view(&der), digest));
    /* Evidence that the buffer has no room for leaves it as it was. */
    aver_buf_deinit(&der);
    der = tls_certificate_make(
        key, AVER_VIEW_LITERAL(
                 "0123456789012345678901234567890123456789012345678901234567890123456789"));
    assert_err(aver_tls_certificate_cmw(aver_buf_view(&der), &cmw), AVER_E_LIMIT);
    assert_int_equal(cmw.size, 0);
    assert_ok(aver_buf_status(&cmw));
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&der);
    aver_tls_key_free(key);
}

static void test_tls_certificate_takes_large_evidence(void **state)
{
    (void)state;
    static uint8_t large[AVER_CERTIFICATE_BYTES_MAX];
    aver_tls_key *key = NULL;
    struct ssl_ctx_st *tls = NULL;
    aver_buf cmw;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, aver_view_make(large, 1024 * 1024));
    aver_buf_init(&cmw, sizeof(large));
    assert_ok(aver_tls_certificate_cmw(aver_buf_view(&der), &cmw));
    assert_int_equal(cmw.size, 1024 * 1024);
    assert_err(aver_tls_server_new(key, "aver", AVER_VIEW_OF(large), &tls), AVER_E_LIMIT);
    assert_null(tls);
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&der);
    aver_tls_key_free(key);
}

static void test_tls_certificate_reader_is_strict(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    uint8_t digest[32];
    aver_buf cmw;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, AVER_VIEW_LITERAL("evidence"));
    aver_buf_init(&cmw, 64);
    for (size_t size = 0; size < der.size; size++) {
        aver_view part = aver_view_make(der.data, size);
        assert_err(aver_tls_certificate_digest(part, digest), AVER_E_FORMAT);
        assert_err(aver_tls_certificate_cmw(part, &cmw), AVER_E_FORMAT);
    }
    aver_buf_append_byte(&der, 0);
    assert_err(aver_tls_certificate_digest(aver_buf_view(&der), digest), AVER_E_FORMAT);
    assert_err(aver_tls_certificate_cmw(aver_buf_view(&der), &cmw), AVER_E_FORMAT);
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&der);
    aver_tls_key_free(key);
}

/* Two certificates in one: an extension given twice, and a boolean that no DER encoder writes. */
static aver_buf tls_certificate_mangle(X509 *certificate, bool twice)
{
    unsigned char *der = NULL;
    aver_buf buf;
    ASN1_OBJECT *object = OBJ_txt2obj(AVER_CERTIFICATE_CMW_OID, 1);
    int index = X509_get_ext_by_OBJ(certificate, object, -1);
    assert_true(index >= 0);
    if (twice) {
        assert_int_equal(X509_add_ext(certificate, X509_get_ext(certificate, index), -1), 1);
    }
    ASN1_OBJECT_free(object);
    assert_true(i2d_re_X509_tbs(certificate, NULL) > 0);
    int size = i2d_X509(certificate, &der);
    assert_true(size > 0);
    aver_buf_init(&buf, AVER_CERTIFICATE_BYTES_MAX);
    aver_buf_append(&buf, aver_view_make(der, (size_t)size));
    OPENSSL_free(der);
    return buf;
}

static void test_tls_certificate_reader_refuses_two_evidences_and_ber(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    uint8_t digest[32];
    aver_buf cmw;
    assert_ok(aver_tls_key_new(&key));
    aver_buf der = tls_certificate_make(key, AVER_VIEW_LITERAL("evidence"));
    aver_buf_init(&cmw, 64);
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    aver_buf once = tls_certificate_mangle(certificate, false);
    assert_ok(aver_tls_certificate_cmw(aver_buf_view(&once), &cmw));
    aver_buf two = tls_certificate_mangle(certificate, true);
    assert_err(aver_tls_certificate_cmw(aver_buf_view(&two), &cmw), AVER_E_FORMAT);
    X509_free(certificate);
    /* TRUE of basicConstraints as 01 instead of ff: BER, not DER. */
    static const uint8_t truth[] = {0x01, 0x01, 0xff};
    uint8_t *found = memmem(once.data, once.size, truth, sizeof(truth));
    assert_non_null(found);
    found[2] = 0x01;
    assert_err(aver_tls_certificate_digest(aver_buf_view(&once), digest), AVER_E_FORMAT);
    aver_buf_deinit(&two);
    aver_buf_deinit(&once);
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&der);
    aver_tls_key_free(key);
}

static void test_tls_renewal_replaces_the_certificate(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    aver_tls_key *other = NULL;
    uint8_t digest[32];
    uint8_t expected[32];
    struct ssl_ctx_st *tls = NULL;
    assert_ok(aver_tls_key_new(&key));
    assert_ok(aver_tls_key_new(&other));
    assert_ok(aver_tls_server_new(key, "aver", AVER_VIEW_LITERAL("old"), &tls));
    assert_ok(aver_tls_server_renew(tls, key, "aver", AVER_VIEW_LITERAL("new")));
    aver_buf der = tls_certificate_of(tls);
    assert_cmw(aver_buf_view(&der), "new");
    aver_buf_deinit(&der);
    assert_ok(aver_tls_server_renew(tls, other, "aver", AVER_VIEW_LITERAL("newer")));
    der = tls_certificate_of(tls);
    assert_cmw(aver_buf_view(&der), "newer");
    assert_ok(aver_tls_certificate_digest(aver_buf_view(&der), digest));
    aver_tls_key_digest(other, expected);
    assert_memory_equal(digest, expected, 32);
    aver_buf_deinit(&der);
    aver_tls_free(tls);
    aver_tls_key_free(other);
    aver_tls_key_free(key);
}

static const char *const tls_names[] = {"localhost", "127.0.0.1", "::1", "aver.example",
                                        "*.wild.example"};

/* What a client that trusts this authority alone says of the certificate, for this name. */
static int tls_verdict(X509 *authority, X509 *leaf, const char *host)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, authority), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER), 1);
    bool address = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    assert_true(address || X509_VERIFY_PARAM_set1_host(param, host, 0) == 1);
    (void)X509_verify_cert(context);
    int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
}

/* The authority behind the leaf that a context shows. */
static X509 *tls_authority_of(struct ssl_ctx_st *tls)
{
    STACK_OF(X509) *chain = NULL;
    assert_int_equal(SSL_CTX_get0_chain_certs(tls, &chain), 1);
    assert_int_equal(sk_X509_num(chain), 1);
    return sk_X509_value(chain, 0);
}

static struct ssl_ctx_st *tls_certified(aver_tls_key **ret_key)
{
    struct ssl_ctx_st *tls = NULL;
    assert_ok(aver_tls_key_new(ret_key));
    assert_ok(aver_tls_key_certify(*ret_key, tls_names, sizeof(tls_names) / sizeof(tls_names[0])));
    assert_ok(aver_tls_server_new(*ret_key, "aver", AVER_VIEW_LITERAL("evidence"), &tls));
    return tls;
}

static void test_tls_authority_stays_while_leaves_change(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    struct ssl_ctx_st *tls = tls_certified(&key);
    X509 *pinned = X509_dup(tls_authority_of(tls));
    aver_buf first = tls_certificate_of(tls);
    assert_ok(aver_tls_server_renew(tls, key, "aver", AVER_VIEW_LITERAL("fresher")));
    aver_buf second = tls_certificate_of(tls);
    assert_false(aver_view_equal(aver_buf_view(&first), aver_buf_view(&second)));
    assert_cmw(aver_buf_view(&second), "fresher");
    assert_int_equal(X509_cmp(pinned, tls_authority_of(tls)), 0);
    static const char *const good[] = {"localhost", "127.0.0.1", "::1", "aver.example",
                                       "a.wild.example"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(tls_verdict(pinned, SSL_CTX_get0_certificate(tls), good[i]), X509_V_OK);
    }
    assert_int_equal(tls_verdict(pinned, SSL_CTX_get0_certificate(tls), "other.example"),
                     X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(tls_verdict(pinned, SSL_CTX_get0_certificate(tls), "127.0.0.2"),
                     X509_V_ERR_IP_ADDRESS_MISMATCH);
    aver_buf_deinit(&first);
    aver_buf_deinit(&second);
    X509_free(pinned);
    aver_tls_free(tls);
    aver_tls_key_free(key);
}

static void test_tls_authority_vouches_for_no_other_key_or_name(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    aver_tls_key *other_key = NULL;
    struct ssl_ctx_st *tls = tls_certified(&key);
    struct ssl_ctx_st *other = tls_certified(&other_key);
    X509 *authority = tls_authority_of(tls);
    assert_int_not_equal(tls_verdict(authority, SSL_CTX_get0_certificate(other), "localhost"),
                         X509_V_OK);
    /* Even the holder of the key cannot make the authority stand for another name. */
    static const char *const foreign[] = {"bank.example"};
    const aver_certificate_names names = {foreign, 1};
    X509 *forged = NULL;
    EVP_PKEY *pkey = SSL_CTX_get0_privatekey(tls);
    assert_ok(aver_certificate_issue(pkey, authority, &names, "aver", (aver_view){0}, &forged));
    assert_int_equal(tls_verdict(authority, forged, "bank.example"),
                     X509_V_ERR_PERMITTED_VIOLATION);
    X509_free(forged);
    aver_tls_free(tls);
    aver_tls_free(other);
    aver_tls_key_free(key);
    aver_tls_key_free(other_key);
}

/* The verdict on a leaf for a foreign name, issued by the authority of a key for this name alone.
 */
static int tls_forged_verdict(const char *own, const char *foreign)
{
    aver_tls_key *key = NULL;
    struct ssl_ctx_st *tls = NULL;
    X509 *forged = NULL;
    const aver_certificate_names names = {&foreign, 1};
    assert_ok(aver_tls_key_new(&key));
    assert_ok(aver_tls_key_certify(key, &own, 1));
    assert_ok(aver_tls_server_new(key, "aver", (aver_view){0}, &tls));
    X509 *authority = tls_authority_of(tls);
    assert_int_equal(tls_verdict(authority, SSL_CTX_get0_certificate(tls), own), X509_V_OK);
    assert_ok(aver_certificate_issue(SSL_CTX_get0_privatekey(tls), authority, &names, "aver",
                                     (aver_view){0}, &forged));
    int verdict = tls_verdict(authority, forged, foreign);
    X509_free(forged);
    aver_tls_free(tls);
    aver_tls_key_free(key);
    return verdict;
}

/* A constraint binds only names of its own kind: the other kinds must be shut out. */
static void test_tls_authority_vouches_for_no_name_of_another_kind(void **state)
{
    (void)state;
    assert_int_equal(tls_forged_verdict("127.0.0.1", "::1"), X509_V_ERR_PERMITTED_VIOLATION);
    assert_int_equal(tls_forged_verdict("::1", "127.0.0.1"), X509_V_ERR_PERMITTED_VIOLATION);
    assert_int_equal(tls_forged_verdict("127.0.0.1", "bank.example"),
                     X509_V_ERR_EXCLUDED_VIOLATION);
    assert_int_equal(tls_forged_verdict("aver.example", "192.0.2.7"),
                     X509_V_ERR_EXCLUDED_VIOLATION);
    assert_int_equal(tls_forged_verdict("aver.example", "2001:db8::7"),
                     X509_V_ERR_EXCLUDED_VIOLATION);
}

static void assert_vouches_for(const char *const *names, size_t count, const char *wanted)
{
    aver_tls_key *key = NULL;
    struct ssl_ctx_st *tls = NULL;
    unsigned char *der = NULL;
    aver_buf text;
    aver_buf_init(&text, 4096);
    assert_ok(aver_tls_key_new(&key));
    assert_ok(aver_tls_key_certify(key, names, count));
    assert_ok(aver_tls_server_new(key, "aver", (aver_view){0}, &tls));
    int size = i2d_X509(tls_authority_of(tls), &der);
    assert_ok(aver_tls_authority_names(aver_view_make(der, (size_t)size), &text));
    if (!aver_view_equal_text(aver_buf_view(&text), wanted)) {
        fail_msg("%.*s, not %s", (int)text.size, (const char *)text.data, wanted);
    }
    OPENSSL_free(der);
    aver_buf_deinit(&text);
    aver_tls_free(tls);
    aver_tls_key_free(key);
}

static void test_tls_authority_says_its_names(void **state)
{
    (void)state;
    static const char *const both[] = {"localhost", "127.0.0.1", "::1", "*.aver.example"};
    static const char *const host[] = {"aver.example"};
    static const char *const address[] = {"192.0.2.7"};
    assert_vouches_for(both, 4, "localhost, 127.0.0.1, ::1, aver.example");
    assert_vouches_for(host, 1, "aver.example");
    assert_vouches_for(address, 1, "192.0.2.7");
}

/* A certificate with these name constraints, in OpenSSL's own words; NULL: without any. */
static void assert_constraints_say(const char *constraints, const char *wanted)
{
    aver_buf text;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    unsigned char *der = NULL;
    aver_buf_init(&text, 4096);
    assert_non_null(key);
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 1000));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    if (constraints != NULL) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    int size = i2d_X509(certificate, &der);
    assert_ok(aver_tls_authority_names(aver_view_make(der, (size_t)size), &text));
    if (!aver_view_equal_text(aver_buf_view(&text), wanted)) {
        fail_msg("%.*s, not %s", (int)text.size, (const char *)text.data, wanted);
    }
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(key);
    aver_buf_deinit(&text);
}

/* What is not bound is never left out. */
static void test_tls_authority_without_bounds_says_so(void **state)
{
    (void)state;
    assert_constraints_say(NULL, "any host name, any address");
    assert_constraints_say("permitted;DNS:a.example", "a.example, any address");
    assert_constraints_say("permitted;IP:192.0.2.0/255.255.255.0",
                           "192.0.2.0/255.255.255.0, any host name");
    assert_constraints_say("permitted;DNS:a.example,excluded;IP:0.0.0.0/0.0.0.0",
                           "a.example, any address");
    assert_constraints_say("excluded;DNS:a.example", "any host name, any address");
    assert_constraints_say("permitted;DNS:a b,excluded;IP:0.0.0.0/0.0.0.0,"
                           "excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0",
                           "a?b");
}

static void test_tls_authority_is_given_out_for_its_key_alone(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    uint8_t digest[32];
    struct ssl_ctx_st *tls = tls_certified(&key);
    unsigned char *der = NULL;
    int size = i2d_X509(tls_authority_of(tls), &der);
    aver_view authority = aver_view_make(der, (size_t)size);
    aver_buf leaf = tls_certificate_of(tls);
    aver_buf pem;
    aver_buf_init(&pem, 65536);
    aver_tls_key_digest(key, digest);
    assert_err(aver_tls_authority_pem(aver_buf_view(&leaf), digest, &pem), AVER_E_PROOF);
    assert_ok(aver_tls_authority_pem(authority, digest, &pem));
    assert_memory_equal(pem.data, "-----BEGIN CERTIFICATE-----", 27);
    size_t before = pem.size;
    digest[0] ^= 1;
    assert_err(aver_tls_authority_pem(authority, digest, &pem), AVER_E_PROOF);
    assert_int_equal(pem.size, before);
    OPENSSL_free(der);
    aver_buf_deinit(&leaf);
    aver_buf_deinit(&pem);
    aver_tls_free(tls);
    aver_tls_key_free(key);
}

static void test_tls_names_are_hosts_or_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a.b", "*.a.b", "10.0.0.1", "::1", "xn--a-0.example"};
    static const char *const bad[] = {
        "",  ".",   "a.",  ".a",  "a..b",      "-a",  "a b",
        "*", "a.*", "a/b", "a:1", "https://a", "a\n", "\xc3\xa4.example"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(aver_tls_name_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        aver_tls_key *key = NULL;
        assert_false(aver_tls_name_valid(bad[i]));
        assert_ok(aver_tls_key_new(&key));
        assert_err(aver_tls_key_certify(key, &bad[i], 1), AVER_E_USAGE);
        aver_tls_key_free(key);
    }
}

/* A certificate for the key of this request by a CA of the test, valid from and to, as PEM. */
static aver_buf tls_issue(X509 *of, EVP_PKEY *ca, long from_s, long to_s)
{
    X509 *issued = X509_dup(of);
    char *text = NULL;
    aver_buf pem;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(issued), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(issued), to_s));
    assert_true(X509_sign(issued, ca, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, issued), 1);
    long size = BIO_get_mem_data(bio, &text);
    aver_buf_init(&pem, 1 << 20);
    aver_buf_append(&pem, aver_view_make(text, (size_t)size));
    BIO_free(bio);
    X509_free(issued);
    return pem;
}

static void test_tls_chain_of_others_is_served_for_the_own_key_alone(void **state)
{
    (void)state;
    aver_tls_key *key = NULL;
    aver_tls_key *other_key = NULL;
    uint64_t until_ms = 7;
    struct ssl_ctx_st *tls = tls_certified(&key);
    struct ssl_ctx_st *other = tls_certified(&other_key);
    EVP_PKEY *ca = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *own = SSL_CTX_get0_certificate(tls);
    aver_buf before = tls_certificate_of(tls);
    aver_buf foreign = tls_issue(SSL_CTX_get0_certificate(other), ca, -60, 3600);
    aver_buf over = tls_issue(own, ca, -7200, -3600);
    aver_buf early = tls_issue(own, ca, 3600, 7200);
    aver_buf good = tls_issue(own, ca, -60, 3600);
    assert_err(aver_tls_server_chain(tls, key, aver_buf_view(&foreign), &until_ms), AVER_E_PROOF);
    assert_err(aver_tls_server_chain(tls, key, aver_buf_view(&over), &until_ms),
               AVER_E_UNSUPPORTED);
    assert_err(aver_tls_server_chain(tls, key, aver_buf_view(&early), &until_ms),
               AVER_E_UNSUPPORTED);
    assert_err(aver_tls_server_chain(tls, key, AVER_VIEW_LITERAL("rubbish"), &until_ms),
               AVER_E_FORMAT);
    assert_err(aver_tls_server_chain(
                   tls, key, aver_view_slice(aver_buf_view(&good), 0, good.size - 40), &until_ms),
               AVER_E_FORMAT);
    assert_int_equal(until_ms, 7);
    aver_buf after = tls_certificate_of(tls);
    assert_true(aver_view_equal(aver_buf_view(&before), aver_buf_view(&after)));
    /* With seven more behind it, and one too many. */
    size_t one = good.size;
    for (int i = 0; i < 7; i++) {
        aver_buf_append(&good, aver_buf_view(&foreign));
    }
    assert_ok(aver_tls_server_chain(tls, key, aver_buf_view(&good), &until_ms));
    assert_true(until_ms > 1000 * (uint64_t)time(NULL));
    aver_buf_append(&good, aver_buf_view(&foreign));
    assert_err(aver_tls_server_chain(tls, key, aver_buf_view(&good), &until_ms), AVER_E_LIMIT);
    assert_ok(
        aver_tls_server_chain(tls, key, aver_view_slice(aver_buf_view(&good), 0, one), &until_ms));
    aver_buf *all[] = {&before, &foreign, &over, &early, &good, &after};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        aver_buf_deinit(all[i]);
    }
    EVP_PKEY_free(ca);
    aver_tls_free(tls);
    aver_tls_free(other);
    aver_tls_key_free(key);
    aver_tls_key_free(other_key);
}

static int tls_session_kept(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_ex_data(ssl, 0);
    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

/* One request on a new connection with this session, if any; the session that comes with it. */
static bool tls_connect_with(const test_server *server, SSL_SESSION **session)
{
    test_raw raw = test_raw_open(server, false);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, tls_session_kept);
    raw.ssl = SSL_new(context);
    SSL_set_ex_data(raw.ssl, 0, session);
    SSL_set_fd(raw.ssl, raw.fd);
    if (*session) {
        assert_int_equal(SSL_set_session(raw.ssl, *session), 1);
    }
    assert_int_equal(SSL_connect(raw.ssl), 1);
    assert_string_equal(SSL_get_version(raw.ssl), "TLSv1.3");
    test_raw_text(&raw, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(test_raw_read(&raw, NULL, 5000));
    assert_non_null(strstr(raw.text, "200 OK"));
    bool reused = SSL_session_reused(raw.ssl) == 1;
    /* A session whose connection ends without this is not used again. */
    SSL_shutdown(raw.ssl);
    SSL_CTX_free(context);
    test_raw_close(&raw);
    return reused;
}

static void test_tls_sessions_resume(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, "tcp:127.0.0.1:0", true);
    SSL_SESSION *session = NULL;
    assert_false(tls_connect_with(server, &session));
    assert_non_null(session);
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    assert_true(tls_connect_with(server, &session));
    SSL_SESSION_free(session);
    test_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_certificate_carries_key_and_evidence),
        cmocka_unit_test(test_tls_certificate_has_its_form),
        cmocka_unit_test(test_tls_certificate_without_evidence),
        cmocka_unit_test(test_tls_authority_stays_while_leaves_change),
        cmocka_unit_test(test_tls_authority_vouches_for_no_other_key_or_name),
        cmocka_unit_test(test_tls_authority_vouches_for_no_name_of_another_kind),
        cmocka_unit_test(test_tls_authority_says_its_names),
        cmocka_unit_test(test_tls_authority_without_bounds_says_so),
        cmocka_unit_test(test_tls_authority_is_given_out_for_its_key_alone),
        cmocka_unit_test(test_tls_names_are_hosts_or_addresses),
        cmocka_unit_test(test_tls_chain_of_others_is_served_for_the_own_key_alone),
        cmocka_unit_test(test_tls_certificate_takes_large_evidence),
        cmocka_unit_test(test_tls_certificate_reader_is_strict),
        cmocka_unit_test(test_tls_certificate_reader_refuses_two_evidences_and_ber),
        cmocka_unit_test(test_tls_renewal_replaces_the_certificate),
        cmocka_unit_test(test_tls_sessions_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
