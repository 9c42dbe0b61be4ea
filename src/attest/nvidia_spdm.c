/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nvidia_spdm.h"

#include "attest/family.h"
#include "codec/text.h"

#define SPDM_REQUEST_BYTES    37
#define SPDM_HEAD_BYTES       4
#define SPDM_NONCE_BYTES      32
#define SPDM_BLOCK_HEAD_BYTES 7
#define SPDM_DIGEST_BYTES     48
#define SPDM_VERSION          0x11
#define SPDM_GET_MEASUREMENTS 0xe0
#define SPDM_MEASUREMENTS     0x60
#define SPDM_SIGNED           0x01 /* param1 of the request */
#define SPDM_ALL              0xff /* param2 of the request */
#define SPDM_SPECIFICATION    0x01 /* DMTF's form of a measurement */
#define SPDM_TYPE_RAW         0x80
#define SPDM_INDEX_MAX        0xfe

/* Takes size bytes from the front. */
static bool spdm_take(aver_view *rest, size_t size, aver_view *ret_taken)
{
    if (rest->size < size) {
        return false;
    }
    *ret_taken = aver_view_slice(*rest, 0, size);
    *rest = aver_view_slice(*rest, size, rest->size - size);
    return true;
}

const aver_nvidia_block *aver_nvidia_report_block(const aver_nvidia_report *report, uint8_t index)
{
    for (size_t i = 0; i < report->blocks_count; i++) {
        if (report->blocks[i].index == index) {
            return &report->blocks[i];
        }
    }
    return NULL;
}

static aver_err spdm_block_parse(aver_view *rest, aver_nvidia_report *report)
{
    aver_view head;
    aver_nvidia_block block;
    if (!spdm_take(rest, SPDM_BLOCK_HEAD_BYTES, &head)) {
        return AVER_E_FORMAT;
    }
    size_t size = aver_le16_read(head.data + 2);
    size_t value_size = aver_le16_read(head.data + 5);
    block.index = head.data[0];
    block.type = head.data[4];
    if (block.index == 0 || block.index > SPDM_INDEX_MAX || head.data[1] != SPDM_SPECIFICATION ||
        size != value_size + 3 || !spdm_take(rest, value_size, &block.value) ||
        ((block.type & SPDM_TYPE_RAW) == 0 && value_size != SPDM_DIGEST_BYTES) ||
        aver_nvidia_report_block(report, block.index) != NULL) {
        return AVER_E_FORMAT;
    }
    report->blocks[report->blocks_count++] = block;
    return AVER_OK;
}

static aver_err spdm_blocks_parse(aver_view *rest, aver_nvidia_report *report)
{
    aver_view head;
    aver_view record;
    aver_err err = AVER_OK;
    if (!spdm_take(rest, 4, &head)) {
        return AVER_E_FORMAT;
    }
    size_t size = aver_le16_read(head.data + 1) | (size_t)head.data[3] << 16;
    if (!spdm_take(rest, size, &record)) {
        return AVER_E_FORMAT;
    }
    if (head.data[0] > AVER_NVIDIA_BLOCKS_MAX) {
        return AVER_E_LIMIT;
    }
    for (size_t i = 0; i < head.data[0] && err == AVER_OK; i++) {
        err = spdm_block_parse(&record, report);
    }
    return err == AVER_OK && record.size > 0 ? AVER_E_FORMAT : err;
}

bool aver_nvidia_report_field(const aver_nvidia_report *report, uint16_t type, aver_view *ret_value)
{
    for (size_t i = 0; i < report->fields_count; i++) {
        if (report->fields[i].type == type) {
            *ret_value = report->fields[i].value;
            return true;
        }
    }
    return false;
}

static aver_err spdm_fields_parse(aver_view opaque, aver_nvidia_report *report)
{
    while (opaque.size > 0) {
        aver_view head;
        aver_view same;
        aver_nvidia_field field;
        if (!spdm_take(&opaque, 4, &head) ||
            !spdm_take(&opaque, aver_le16_read(head.data + 2), &field.value)) {
            return AVER_E_FORMAT;
        }
        field.type = aver_le16_read(head.data);
        if (aver_nvidia_report_field(report, field.type, &same)) {
            return AVER_E_FORMAT;
        }
        if (report->fields_count == AVER_NVIDIA_FIELDS_MAX) {
            return AVER_E_LIMIT;
        }
        report->fields[report->fields_count++] = field;
    }
    return AVER_OK;
}

aver_err aver_nvidia_report_parse(aver_view bytes, aver_nvidia_report *ret_report)
{
    aver_view rest = bytes;
    aver_view opaque;
    aver_view size;
    ret_report->blocks_count = 0;
    ret_report->fields_count = 0;
    if (!spdm_take(&rest, SPDM_REQUEST_BYTES, &ret_report->request) ||
        !spdm_take(&rest, SPDM_HEAD_BYTES, &ret_report->response)) {
        return AVER_E_FORMAT;
    }
    ret_report->requester_nonce =
        aver_view_slice(ret_report->request, SPDM_HEAD_BYTES, SPDM_NONCE_BYTES);
    ret_report->slot = ret_report->request.data[SPDM_REQUEST_BYTES - 1];
    aver_err err = spdm_blocks_parse(&rest, ret_report);
    if (err != AVER_OK) {
        return err;
    }
    if (!spdm_take(&rest, SPDM_NONCE_BYTES, &ret_report->responder_nonce) ||
        !spdm_take(&rest, 2, &size) || !spdm_take(&rest, aver_le16_read(size.data), &opaque) ||
        rest.size != AVER_NVIDIA_SIGNATURE) {
        return AVER_E_FORMAT;
    }
    ret_report->signature = rest;
    ret_report->signed_bytes = aver_view_slice(bytes, 0, bytes.size - AVER_NVIDIA_SIGNATURE);
    return spdm_fields_parse(opaque, ret_report);
}

const char *aver_nvidia_report_unfit(const aver_nvidia_report *report)
{
    const uint8_t *request = report->request.data;
    const uint8_t *response = report->response.data;
    if (request[0] != SPDM_VERSION || response[0] != SPDM_VERSION) {
        return "the messages are not of SPDM 1.1";
    }
    if (request[1] != SPDM_GET_MEASUREMENTS || response[1] != SPDM_MEASUREMENTS) {
        return "the messages are not GET_MEASUREMENTS and its answer";
    }
    if (request[2] != SPDM_SIGNED || request[3] != SPDM_ALL) {
        return "not all measurements were asked for, or not signed";
    }
    if (response[2] != 0) {
        return "the response counts measurements, which nobody asked for";
    }
    if (report->slot > 0x0f || response[3] != report->slot) {
        return "the response is of another slot than was asked";
    }
    return report->blocks_count == 0 ? "there is no measurement" : NULL;
}

bool aver_nvidia_report_text(const aver_nvidia_report *report, uint16_t type, aver_view *ret_text)
{
    aver_view value;
    size_t size = 0;
    if (!aver_nvidia_report_field(report, type, &value)) {
        return false;
    }
    while (size < value.size && value.data[size] != 0) {
        size++;
    }
    value = aver_view_slice(value, 0, size);
    if (!aver_utf8_valid(value)) {
        return false;
    }
    *ret_text = value;
    return true;
}

bool aver_nvidia_report_vbios(const aver_nvidia_report *report,
                              char ret_text[static AVER_NVIDIA_VERSION_BYTES])
{
    static const char digits[] = "0123456789ABCDEF";
    aver_view value;
    size_t used = 0;
    if (!aver_nvidia_report_field(report, AVER_NVIDIA_VBIOS_VERSION, &value) || value.size < 2 ||
        (value.size / 2 + 1) * 3 > AVER_NVIDIA_VERSION_BYTES) {
        return false;
    }
    for (size_t i = value.size / 2; i > 0; i--) {
        ret_text[used++] = digits[value.data[i - 1] >> 4];
        ret_text[used++] = digits[value.data[i - 1] & 0x0f];
        ret_text[used++] = '.';
    }
    ret_text[used++] = digits[value.data[value.size / 2] >> 4];
    ret_text[used++] = digits[value.data[value.size / 2] & 0x0f];
    ret_text[used] = '\0';
    return true;
}

const char *aver_nvidia_field_name(uint16_t type)
{
    static const char *const names[] = {
        [1] = "cert_issuer_name",
        [2] = "cert_authority_key_identifier",
        [AVER_NVIDIA_DRIVER_VERSION] = "driver_version",
        [4] = "gpu_info",
        [5] = "sku",
        [AVER_NVIDIA_VBIOS_VERSION] = "vbios_version",
        [7] = "manufacturer_id",
        [8] = "tamper_detection",
        [9] = "smc",
        [10] = "vpr",
        [AVER_NVIDIA_NVDEC0_STATUS] = "nvdec0_status",
        [12] = "measurement_counter",
        [13] = "cpr_info",
        [14] = "board_id",
        [AVER_NVIDIA_CHIP_SKU] = "chip_sku",
        [16] = "chip_sku_mod",
        [AVER_NVIDIA_PROJECT] = "project",
        [AVER_NVIDIA_PROJECT_SKU] = "project_sku",
        [19] = "project_sku_mod",
        [AVER_NVIDIA_FWID] = "fwid",
        [21] = "protected_pcie_status",
        [22] = "switch_pdi",
        [23] = "floorswept_ports",
        [24] = "position_id",
        [25] = "lock_switch_status",
        [26] = "gpu_link_conn",
    };
    return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}
