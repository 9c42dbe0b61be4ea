/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_time.h"

#include "codec/date.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

enum { PEM_LABEL_BYTES_MAX = 64 };

bool aver_asn1_time_read(const ASN1_TIME *time, uint64_t *ret_time_s)
{
    aver_view text = aver_view_make(ASN1_STRING_get0_data(time), (size_t)ASN1_STRING_length(time));
    bool general = ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME;
    size_t year_digits = general ? 4 : 2;
    aver_date date = {0};
    unsigned *const parts[] = {&date.month, &date.day, &date.hour, &date.minute, &date.second};
    if ((!general && ASN1_STRING_type(time) != V_ASN1_UTCTIME) || text.size != year_digits + 11 ||
        text.data[year_digits + 10] != 'Z' ||
        !aver_date_digits(aver_view_slice(text, 0, year_digits), &date.year)) {
        return false;
    }
    for (size_t i = 0; i < 5; i++) {
        if (!aver_date_digits(aver_view_slice(text, year_digits + 2 * i, 2), parts[i])) {
            return false;
        }
    }
    date.year += general ? 0 : date.year < 50 ? 2000 : 1900;
    return aver_date_unix(&date, ret_time_s);
}

static bool pem_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void pem_skip(aver_view *pem, size_t size)
{
    *pem = aver_view_slice(*pem, size, pem->size - size);
}

static bool pem_take(aver_view *pem, const char *kind, const char *label)
{
    char line[PEM_LABEL_BYTES_MAX];
    int size = snprintf(line, sizeof line, "-----%s %s-----", kind, label);
    if (size < 0 || (size_t)size >= sizeof line || pem->size < (size_t)size ||
        memcmp(pem->data, line, (size_t)size) != 0) {
        return false;
    }
    pem_skip(pem, (size_t)size);
    return true;
}

/* The base64 up to the next '-', line ends taken out. */
static aver_err pem_body(aver_view *pem, aver_buf *ret_bytes)
{
    aver_buf text;
    aver_buf_init(&text, ret_bytes->capacity_max * 2);
    size_t size = 0;
    while (size < pem->size && pem->data[size] != '-') {
        size_t end = size;
        while (end < pem->size && pem->data[end] != '-' && !pem_space(pem->data[end])) {
            end++;
        }
        aver_buf_append(&text, aver_view_slice(*pem, size, end - size));
        size = end + (end < pem->size && pem_space(pem->data[end]) ? 1 : 0);
    }
    pem_skip(pem, size);
    aver_err err = aver_buf_status(&text);
    if (err == AVER_OK) {
        err = aver_base64_decode(aver_buf_view(&text), ret_bytes);
    }
    aver_buf_deinit(&text);
    return err;
}

aver_err aver_pem_next(aver_view *pem, const char *label, bool *ret_more, aver_buf *ret_bytes)
{
    aver_view rest = *pem;
    while (rest.size > 0 && pem_space(rest.data[0])) {
        pem_skip(&rest, 1);
    }
    if (rest.size == 0) {
        *pem = rest;
        *ret_more = false;
        return AVER_OK;
    }
    if (!pem_take(&rest, "BEGIN", label)) {
        return AVER_E_FORMAT;
    }
    aver_err err = pem_body(&rest, ret_bytes);
    if (err == AVER_OK && !pem_take(&rest, "END", label)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        *pem = rest;
        *ret_more = true;
    }
    return err;
}
