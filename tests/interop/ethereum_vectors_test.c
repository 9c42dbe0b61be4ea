/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hash.h"
#include "crypto/secp.h"

static void address_texts_of_eip55(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        test_bytes address = test_hex(texts[i] + 2);
        char text[43];
        aver_address_text(address.data, text);
        assert_string_equal(text, texts[i]);
    }
}

static void address_of_key_one(void **state)
{
    (void)state;
    uint8_t scalar[32] = {0};
    scalar[31] = 1;
    aver_secp *key;
    assert_ok(aver_secp_from_scalar(scalar, &key));
    char text[43];
    aver_address_text(aver_secp_address(key), text);
    assert_string_equal(text, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    test_assert_hex(aver_view_make(aver_secp_public(key), 33),
                    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    aver_secp_free(key);
}

static void eip191_known_digest(void **state)
{
    (void)state;
    uint8_t digest[32];
    aver_eip191_digest(AVER_VIEW_LITERAL("Hello World"), digest);
    test_assert_hex(AVER_VIEW_OF(digest),
                    "a1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2");
    uint8_t expected[32];
    aver_keccak256_of(AVER_VIEW_LITERAL("\x19"
                                        "Ethereum Signed Message:\n0"),
                      expected);
    aver_eip191_digest(aver_view_make(NULL, 0), digest);
    assert_memory_equal(digest, expected, 32);
}

typedef struct eip712_words {
    uint8_t words[5][32];
    size_t count;
} eip712_words;

static void eip712_put_hash(eip712_words *words, const char *text)
{
    aver_keccak256_of(aver_view_text(text), words->words[words->count++]);
}

static void eip712_put_address(eip712_words *words, const char *address_hex)
{
    test_bytes address = test_hex(address_hex);
    memset(words->words[words->count], 0, 12);
    memcpy(words->words[words->count++] + 12, address.data, 20);
}

static void eip712_hash(const eip712_words *words, uint8_t ret_digest[static 32])
{
    aver_keccak256_of(aver_view_make(words->words, 32 * words->count), ret_digest);
}

static void eip712_put_person(eip712_words *words, const char *name, const char *address_hex)
{
    eip712_words person = {.count = 0};
    eip712_put_hash(&person, "Person(string name,address wallet)");
    eip712_put_hash(&person, name);
    eip712_put_address(&person, address_hex);
    eip712_hash(&person, words->words[words->count++]);
}

static void eip712_domain(uint8_t ret_separator[static 32])
{
    eip712_words domain = {.count = 0};
    eip712_put_hash(&domain, "EIP712Domain(string name,string version,uint256 chainId,"
                             "address verifyingContract)");
    eip712_put_hash(&domain, "Ether Mail");
    eip712_put_hash(&domain, "1");
    memset(domain.words[domain.count], 0, 32);
    domain.words[domain.count++][31] = 1;
    eip712_put_address(&domain, "cccccccccccccccccccccccccccccccccccccccc");
    eip712_hash(&domain, ret_separator);
}

static void eip712_mail(uint8_t ret_hash[static 32])
{
    eip712_words mail = {.count = 0};
    eip712_put_hash(&mail, "Mail(Person from,Person to,string contents)"
                           "Person(string name,address wallet)");
    eip712_put_person(&mail, "Cow", "cd2a3d9f938e13cd947ec05abc7fe734df8dd826");
    eip712_put_person(&mail, "Bob", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    eip712_put_hash(&mail, "Hello, Bob!");
    eip712_hash(&mail, ret_hash);
}

/* The example of EIP-712 itself, signed with the keccak of "cow"; the nonce is RFC 6979's, so the
 * signature is known too. */
static void eip712_mail_example(void **state)
{
    (void)state;
    uint8_t separator[32];
    uint8_t mail[32];
    uint8_t digest[32];
    eip712_domain(separator);
    eip712_mail(mail);
    test_assert_hex(AVER_VIEW_OF(separator),
                    "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
    test_assert_hex(AVER_VIEW_OF(mail),
                    "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
    aver_eip712_digest(separator, mail, digest);
    test_assert_hex(AVER_VIEW_OF(digest),
                    "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    uint8_t scalar[32];
    uint8_t signature[AVER_SECP_SIGNATURE_BYTES];
    aver_keccak256_of(AVER_VIEW_LITERAL("cow"), scalar);
    aver_secp *key;
    assert_ok(aver_secp_from_scalar(scalar, &key));
    char text[43];
    aver_address_text(aver_secp_address(key), text);
    assert_string_equal(text, "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
    assert_ok(aver_secp_sign(key, digest, signature));
    test_assert_hex(AVER_VIEW_OF(signature),
                    "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
                    "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"
                    "1c");
    aver_secp_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_texts_of_eip55),
        cmocka_unit_test(address_of_key_one),
        cmocka_unit_test(eip191_known_digest),
        cmocka_unit_test(eip712_mail_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
