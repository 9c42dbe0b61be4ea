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
        cmocka_unit_test(test_tls_certificate_takes_large_evidence),
        cmocka_unit_test(test_tls_certificate_reader_is_strict),
        cmocka_unit_test(test_tls_certificate_reader_refuses_two_evidences_and_ber),
        cmocka_unit_test(test_tls_renewal_replaces_the_certificate),
        cmocka_unit_test(test_tls_sessions_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
