/* SPDX-License-Identifier: Apache-2.0 */
#include "net/certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 253,
    NAME_ADDRESS_BYTES_MAX = 16,
};

/* The bytes of an address, 4 or 16 of them; 0 for what is none. */
static int name_address(const char *name, uint8_t ret_bytes[static NAME_ADDRESS_BYTES_MAX])
{
    if (inet_pton(AF_INET, name, ret_bytes) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, name, ret_bytes) == 1 ? 16 : 0;
}

bool aver_certificate_name_valid(const char *name)
{
    uint8_t address[NAME_ADDRESS_BYTES_MAX];
    const char *host = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t size = strlen(host);
    size_t label = 0;
    if (name_address(name, address) != 0) {
        return true;
    }
    if (size == 0 || size > NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = host[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '.' ? label == 0 : !letter && (c != '-' || label == 0)) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static ASN1_STRING *name_string(int type, const void *bytes, int size)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    if (string && ASN1_STRING_set(string, bytes, size) != 1) {
        ASN1_STRING_free(string);
        return NULL;
    }
    return string;
}

static GENERAL_NAME *name_make(bool address, const void *bytes, int size)
{
    GENERAL_NAME *general = GENERAL_NAME_new();
    ASN1_STRING *string =
        name_string(address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING, bytes, size);
    if (!general || !string) {
        GENERAL_NAME_free(general);
        ASN1_STRING_free(string);
        return NULL;
    }
    GENERAL_NAME_set0_value(general, address ? GEN_IPADD : GEN_DNS, string);
    return general;
}

/* constraint: an address with a mask for this one alone, a name without its "*.". */
static GENERAL_NAME *name_general(const char *name, bool constraint)
{
    uint8_t bytes[2 * NAME_ADDRESS_BYTES_MAX];
    int size = name_address(name, bytes);
    if (size > 0) {
        memset(bytes + size, 0xff, (size_t)size);
        return name_make(true, bytes, constraint ? 2 * size : size);
    }
    const char *host = constraint && name[0] == '*' ? name + 2 : name;
    return name_make(false, host, (int)strlen(host));
}

static GENERAL_NAMES *names_general(const aver_certificate_names *names)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    bool done = list != NULL;
    for (size_t i = 0; done && i < names->count; i++) {
        GENERAL_NAME *general = name_general(names->list[i], false);
        done = general && sk_GENERAL_NAME_push(list, general) > 0;
        if (!done) {
            GENERAL_NAME_free(general);
        }
    }
    if (!done) {
        GENERAL_NAMES_free(list);
        return NULL;
    }
    return list;
}

bool aver_certificate_names_set(struct x509_st *certificate, const aver_certificate_names *names)
{
    GENERAL_NAMES *list = names_general(names);
    bool done = list && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    GENERAL_NAMES_free(list);
    return done;
}

/* Takes general, which may be NULL. */
static bool constraints_add(STACK_OF(GENERAL_SUBTREE) * trees, GENERAL_NAME *general)
{
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    bool done = tree && general && sk_GENERAL_SUBTREE_push(trees, tree) > 0;
    if (!done) {
        GENERAL_SUBTREE_free(tree);
        GENERAL_NAME_free(general);
        return false;
    }
    GENERAL_NAME_free(tree->base);
    tree->base = general;
    return true;
}

/* All names of a kind that has none permitted: what is permitted binds names of its kind alone. */
static bool constraints_exclude(NAME_CONSTRAINTS *constraints, bool names, bool addresses)
{
    static const uint8_t all[2 * NAME_ADDRESS_BYTES_MAX] = {0}; /* an address, an empty mask */
    if (names && addresses) {
        return true;
    }
    constraints->excludedSubtrees = sk_GENERAL_SUBTREE_new_null();
    STACK_OF(GENERAL_SUBTREE) *trees = constraints->excludedSubtrees;
    bool done = trees != NULL;
    if (done && !names) {
        done = constraints_add(trees, name_make(false, "", 0));
    }
    if (done && !addresses) {
        done = constraints_add(trees, name_make(true, all, 2 * 4)) &&
               constraints_add(trees, name_make(true, all, (int)sizeof all));
    }
    return done;
}

bool aver_certificate_constraints_set(struct x509_st *certificate,
                                      const aver_certificate_names *names)
{
    uint8_t address[NAME_ADDRESS_BYTES_MAX];
    bool has_names = false;
    bool has_addresses = false;
    NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
    bool done = constraints != NULL;
    if (done && names->count > 0) {
        constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
        done = constraints->permittedSubtrees != NULL;
    }
    for (size_t i = 0; done && i < names->count; i++) {
        bool is_address = name_address(names->list[i], address) != 0;
        has_names = has_names || !is_address;
        has_addresses = has_addresses || is_address;
        done = constraints_add(constraints->permittedSubtrees, name_general(names->list[i], true));
    }
    done = done && constraints_exclude(constraints, has_names, has_addresses) &&
           X509_add1_ext_i2d(certificate, NID_name_constraints, constraints, 1, 0) == 1;
    NAME_CONSTRAINTS_free(constraints);
    return done;
}

bool aver_certificate_request_names_set(struct X509_req_st *request,
                                        const aver_certificate_names *names)
{
    GENERAL_NAMES *list = names_general(names);
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool done = list && X509V3_add1_i2d(&extensions, NID_subject_alt_name, list, 0, 0) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1;
    GENERAL_NAMES_free(list);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return done;
}
