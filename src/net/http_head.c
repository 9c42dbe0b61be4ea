/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head: the request line and the headers, cut in place into terminated strings. The bytes are
 * already known to be lines that end in CR LF, without other control bytes than tabs.
 */
#include "net/http.h"

#include "codec/text.h"

#include <string.h>
#include <strings.h>

/* Headers that say one thing: given twice, two readers could choose differently. */
static const char *const http_singular[] = {
    "Host",   "Content-Length", "Transfer-Encoding", "Content-Type",
    "Expect", "Authorization",  "Connection",        "Ehbp-Encapsulated-Key",
};

static bool http_token_byte(uint8_t byte)
{
    if ((byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')) {
        return true;
    }
    return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

bool aver_http_token_valid(const char *text)
{
    size_t size = 0;
    while (http_token_byte((uint8_t)text[size])) {
        size++;
    }
    return size > 0 && text[size] == '\0';
}

/* A slash that is not one for whoever decodes later than he splits, or never, is refused. */
static int http_escape_read(const char *text)
{
    uint8_t byte = 0;
    if (!text[0] || !text[1] || aver_hex_decode(aver_view_make(text, 2), &byte, 1) != AVER_OK) {
        return -1;
    }
    return byte == '/' ? -1 : byte;
}

/* "." and ".." between slashes: whoever maps paths elsewhere could be led astray. */
static bool http_path_has_dots(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t size = strcspn(part, "/");
        if ((size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.')) {
            return true;
        }
    }
    return false;
}

/* Decodes in place. FORMAT for bad escapes, control bytes, dot segments, bad UTF-8. */
static aver_err http_path_decode(char *path)
{
    char *to = path;
    for (const char *from = path; *from; from++) {
        int byte = (uint8_t)*from;
        if (byte == '%') {
            byte = http_escape_read(from + 1);
            from += 2;
        }
        if (byte < 0x20 || byte == 0x7f) {
            return AVER_E_FORMAT;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    if (http_path_has_dots(path) || !aver_utf8_valid(aver_view_text(path))) {
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}

static bool http_target_visible(const char *target)
{
    for (const char *at = target; *at; at++) {
        if ((uint8_t)*at <= 0x20 || (uint8_t)*at >= 0x7f || *at == '#') {
            return false;
        }
    }
    return true;
}

/* "http://host:port/path" is the same as "/path". NULL if it is neither form. */
static char *http_target_origin(char *target)
{
    if (target[0] == '/') {
        return target;
    }
    size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
                    : strncasecmp(target, "https://", 8) == 0 ? 8
                                                              : 0;
    /* A query may hold a slash: without a path of its own it must not give one. */
    char *path = target + scheme + strcspn(target + scheme, "/?");
    return scheme > 0 && *path == '/' ? path : NULL;
}

static aver_err http_target_read(aver_http *http, char *target)
{
    static const char why[] = "malformed request target";
    if (!http_target_visible(target)) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, why);
    }
    if (strcmp(target, "*") == 0 && strcmp(http->method, "OPTIONS") == 0) {
        http->path = target;
        return AVER_OK;
    }
    char *path = http_target_origin(target);
    if (!path) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, why);
    }
    char *query = strchr(path, '?');
    if (query) {
        *query = '\0';
        http->query = query + 1;
    }
    if (http_path_decode(path) != AVER_OK) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, why);
    }
    http->path = path;
    return AVER_OK;
}

static aver_err http_request_line_read(aver_http *http, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed request line");
    }
    *target++ = '\0';
    *version++ = '\0';
    if (!aver_http_token_valid(line)) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed request line");
    }
    if (strlen(line) > AVER_HTTP_METHOD_BYTES_MAX) {
        return aver_http_refuse(http, AVER_E_UNSUPPORTED, 501, "unknown method");
    }
    http->method = line;
    http->version_0 = strcmp(version, "HTTP/1.0") == 0;
    if (!http->version_0 && strcmp(version, "HTTP/1.1") != 0) {
        bool named = strncmp(version, "HTTP/", 5) == 0;
        return aver_http_refuse(http, named ? AVER_E_UNSUPPORTED : AVER_E_FORMAT, named ? 505 : 400,
                                "HTTP/1.1 is spoken here");
    }
    return http_target_read(http, target);
}

static char *http_blanks_trim(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        text[--size] = '\0';
    }
    return text;
}

static aver_err http_field_read(aver_http *http, char *line)
{
    char *colon = strchr(line, ':');
    if (colon) {
        *colon = '\0';
    }
    if (!colon || !aver_http_token_valid(line)) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed header");
    }
    if (http->fields_count == AVER_HTTP_HEADERS_MAX) {
        return aver_http_refuse(http, AVER_E_LIMIT, 431, "too many headers");
    }
    for (size_t i = 0; i < sizeof(http_singular) / sizeof(http_singular[0]); i++) {
        if (strcasecmp(line, http_singular[i]) == 0 && aver_http_header(http, line)) {
            return aver_http_refuse(http, AVER_E_FORMAT, 400,
                                    "a header that must be single came twice");
        }
    }
    http->fields[http->fields_count++] = (aver_http_field){line, http_blanks_trim(colon + 1)};
    return AVER_OK;
}

/* Is the word in a comma-separated list? */
static bool http_list_has(const char *list, const char *word)
{
    size_t size = strlen(word);
    while (list && *list) {
        list += strspn(list, ", \t");
        size_t part = strcspn(list, ", \t");
        if (part == size && strncasecmp(list, word, size) == 0) {
            return true;
        }
        list += part;
    }
    return false;
}

static aver_err http_length_read(aver_http *http, const char *text)
{
    uint64_t length = 0;
    size_t size = strspn(text, "0123456789");
    if (size == 0 || text[size] != '\0') {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed Content-Length");
    }
    for (size_t i = 0; i < size && length <= http->body.capacity_max; i++) {
        length = length * 10 + (uint64_t)(text[i] - '0');
    }
    if (length > http->body.capacity_max) {
        return aver_http_refuse(http, AVER_E_LIMIT, 413, "the request's body is too large");
    }
    http->left = length;
    http->state = length > 0 ? AVER_HTTP_BODY : AVER_HTTP_DONE;
    return AVER_OK;
}

static aver_err http_framing_read(aver_http *http)
{
    const char *length = aver_http_header(http, "Content-Length");
    const char *coding = aver_http_header(http, "Transfer-Encoding");
    if (coding) {
        if (length || http->version_0) {
            return aver_http_refuse(http, AVER_E_FORMAT, 400, "the body's length is ambiguous");
        }
        if (strcasecmp(coding, "chunked") != 0) {
            return aver_http_refuse(http, AVER_E_UNSUPPORTED, 501, "unknown transfer coding");
        }
        aver_http_chunks_begin(http);
        return AVER_OK;
    }
    if (length) {
        return http_length_read(http, length);
    }
    http->state = AVER_HTTP_DONE;
    return AVER_OK;
}

static aver_err http_semantics_read(aver_http *http)
{
    if (!http->version_0 && !aver_http_header(http, "Host")) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "no Host header");
    }
    http->keep = !http->version_0 && !http_list_has(aver_http_header(http, "Connection"), "close");
    aver_err err = http_framing_read(http);
    if (err != AVER_OK) {
        return err;
    }
    const char *expect = aver_http_header(http, "Expect");
    if (expect && !http->version_0) {
        if (strcasecmp(expect, "100-continue") != 0) {
            return aver_http_refuse(http, AVER_E_UNSUPPORTED, 417, "unknown expectation");
        }
        http->expects_continue = http->state != AVER_HTTP_DONE;
    }
    return AVER_OK;
}

aver_err aver_http_head_read(aver_http *http)
{
    char *line = (char *)http->head.data;
    char *end = line + http->head.size;
    bool first = true;
    while (line < end) {
        char *stop = memchr(line, '\r', (size_t)(end - line));
        if (!stop || stop == line) {
            break;
        }
        *stop = '\0';
        aver_err err = first ? http_request_line_read(http, line) : http_field_read(http, line);
        if (err != AVER_OK) {
            return err;
        }
        first = false;
        line = stop + 2;
    }
    return http_semantics_read(http);
}
