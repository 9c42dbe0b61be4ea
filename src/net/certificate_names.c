/* SPDX-License-Identifier: Apache-2.0 */
#include "net/certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
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

/* What name constraints say, kind by kind. */
typedef struct names_bound {
    bool names;     /* some host names, or none */
    bool addresses; /* the same */
    bool any_name;  /* every host name, by name */
} names_bound;

/* The bytes are of somebody else: what no name has is shown as a question mark. */
static void text_add(aver_buf *text, aver_view word)
{
    aver_buf_append_text(text, text->size > 0 ? ", " : "");
    for (size_t i = 0; i < word.size; i++) {
        uint8_t c = word.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '-' || c == '_' || c == ':' || c == '/';
        aver_buf_append_byte(text, plain ? c : '?');
    }
}

/* ADDRESS, or ADDRESS/MASK where the mask leaves more than one. */
static aver_err text_address(aver_buf *text, aver_view bytes)
{
    char address[INET6_ADDRSTRLEN];
    char mask[INET6_ADDRSTRLEN];
    char word[2 * INET6_ADDRSTRLEN];
    size_t half = bytes.size / 2;
    bool one = true;
    if (bytes.size != 2 * 4 && bytes.size != 2 * NAME_ADDRESS_BYTES_MAX) {
        return AVER_E_FORMAT;
    }
    int family = half == 4 ? AF_INET : AF_INET6;
    if (!inet_ntop(family, bytes.data, address, sizeof address) ||
        !inet_ntop(family, bytes.data + half, mask, sizeof mask)) {
        return AVER_E_FORMAT;
    }
    for (size_t i = half; i < bytes.size; i++) {
        one = one && bytes.data[i] == 0xff;
    }
    (void)snprintf(word, sizeof word, "%s%s%s", address, one ? "" : "/", one ? "" : mask);
    text_add(text, aver_view_text(word));
    return AVER_OK;
}

static aver_view name_bytes(const ASN1_STRING *string)
{
    return aver_view_make(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static aver_err text_permitted(const NAME_CONSTRAINTS *constraints, aver_buf *text,
                               names_bound *bound)
{
    aver_err err = AVER_OK;
    const STACK_OF(GENERAL_SUBTREE) *trees = constraints->permittedSubtrees;
    for (int i = 0; err == AVER_OK && i < sk_GENERAL_SUBTREE_num(trees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;
        if (base->type == GEN_DNS) {
            aver_view name = name_bytes(base->d.dNSName);
            bound->names = true;
            bound->any_name = bound->any_name || name.size == 0;
            if (name.size > 0) {
                text_add(text, name);
            }
        } else if (base->type == GEN_IPADD) {
            bound->addresses = true;
            err = text_address(text, name_bytes(base->d.iPAddress));
        }
    }
    return err;
}

/* Which kinds are shut out as a whole; parts that are shut out of one are not looked at. */
static void constraints_shut(const NAME_CONSTRAINTS *constraints, names_bound *bound)
{
    static const uint8_t none[NAME_ADDRESS_BYTES_MAX] = {0};
    bool has_4 = false;
    bool has_6 = false;
    const STACK_OF(GENERAL_SUBTREE) *trees = constraints->excludedSubtrees;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;
        if (base->type == GEN_DNS) {
            bound->names = bound->names || name_bytes(base->d.dNSName).size == 0;
        } else if (base->type == GEN_IPADD) {
            aver_view bytes = name_bytes(base->d.iPAddress);
            size_t half = bytes.size / 2;
            bool all = half <= sizeof none && memcmp(bytes.data + half, none, half) == 0;
            has_4 = has_4 || (all && half == 4);
            has_6 = has_6 || (all && half == NAME_ADDRESS_BYTES_MAX);
        }
    }
    bound->addresses = bound->addresses || (has_4 && has_6);
}

aver_err aver_certificate_constraints_text(const struct x509_st *certificate, aver_buf *ret_text)
{
    int critical = -1; /* -1: there is no such extension */
    names_bound bound = {.names = false};
    aver_err err = AVER_OK;
    NAME_CONSTRAINTS *constraints =
        X509_get_ext_d2i(certificate, NID_name_constraints, &critical, NULL);
    if (constraints) {
        err = text_permitted(constraints, ret_text, &bound);
        constraints_shut(constraints, &bound);
    } else if (critical != -1) {
        return AVER_E_FORMAT;
    }
    NAME_CONSTRAINTS_free(constraints);
    if (!bound.names || bound.any_name) {
        aver_buf_append_text(ret_text, ret_text->size > 0 ? ", any host name" : "any host name");
    }
    if (!bound.addresses) {
        aver_buf_append_text(ret_text, ret_text->size > 0 ? ", any address" : "any address");
    }
    return err == AVER_OK ? aver_buf_status(ret_text) : err;
}
