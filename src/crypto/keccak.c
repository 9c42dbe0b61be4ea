/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <string.h>

/*
 * keccak-256 as Ethereum uses it: keccak-f[1600] with a rate of 136 bytes and the padding of the
 * original submission (0x01 ... 0x80), which is not that of FIPS 202 (0x06 ... 0x80).
 *
 * The state is 25 lanes; lane x, y is state[x + 5 * y]. Lanes are little-endian in the sponge.
 */
enum { KECCAK_LANES = 25, KECCAK_ROUNDS = 24, KECCAK_RATE_BYTES = 136 };

static const uint64_t keccak_round_constants[KECCAK_ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* The path of pi through the lanes from lane 1 on, and the rotation of rho at each stop. */
static const uint8_t keccak_pi[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                      15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t keccak_rho[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                       27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

/* By 1 to 63 bits. */
static uint64_t keccak_rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void keccak_theta(uint64_t state[static KECCAK_LANES])
{
    uint64_t parity[5];
    for (size_t x = 0; x < 5; x++) {
        parity[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
    }
    for (size_t x = 0; x < 5; x++) {
        uint64_t mix = parity[(x + 4) % 5] ^ keccak_rotate(parity[(x + 1) % 5], 1);
        for (size_t y = 0; y < KECCAK_LANES; y += 5) {
            state[x + y] ^= mix;
        }
    }
}

static void keccak_rho_pi(uint64_t state[static KECCAK_LANES])
{
    uint64_t moving = state[1];
    for (size_t i = 0; i < 24; i++) {
        uint64_t next = state[keccak_pi[i]];
        state[keccak_pi[i]] = keccak_rotate(moving, keccak_rho[i]);
        moving = next;
    }
}

static void keccak_chi(uint64_t state[static KECCAK_LANES])
{
    for (size_t y = 0; y < KECCAK_LANES; y += 5) {
        uint64_t row[5];
        memcpy(row, state + y, sizeof row);
        for (size_t x = 0; x < 5; x++) {
            state[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
    }
}

static void keccak_permute(uint64_t state[static KECCAK_LANES])
{
    for (size_t round = 0; round < KECCAK_ROUNDS; round++) {
        keccak_theta(state);
        keccak_rho_pi(state);
        keccak_chi(state);
        state[0] ^= keccak_round_constants[round];
    }
}

typedef struct keccak_sponge {
    uint64_t state[KECCAK_LANES];
    size_t fill; /* bytes of the current block absorbed, below the rate */
} keccak_sponge;

static void keccak_absorb_byte(keccak_sponge *sponge, uint8_t byte)
{
    sponge->state[sponge->fill / 8] ^= (uint64_t)byte << (8 * (sponge->fill % 8));
    sponge->fill++;
    if (sponge->fill == KECCAK_RATE_BYTES) {
        keccak_permute(sponge->state);
        sponge->fill = 0;
    }
}

static void keccak_absorb(keccak_sponge *sponge, aver_view bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        keccak_absorb_byte(sponge, bytes.data[i]);
    }
}

void aver_keccak256_joined(aver_view a, aver_view b, uint8_t ret_digest[static 32])
{
    keccak_sponge sponge = {0};
    keccak_absorb(&sponge, a);
    keccak_absorb(&sponge, b);
    sponge.state[sponge.fill / 8] ^= UINT64_C(0x01) << (8 * (sponge.fill % 8));
    sponge.state[KECCAK_RATE_BYTES / 8 - 1] ^= UINT64_C(0x80) << 56;
    keccak_permute(sponge.state);
    for (size_t i = 0; i < 32; i++) {
        ret_digest[i] = (uint8_t)(sponge.state[i / 8] >> (8 * (i % 8)));
    }
}

void aver_keccak256_of(aver_view bytes, uint8_t ret_digest[static 32])
{
    aver_keccak256_joined(bytes, aver_view_make(NULL, 0), ret_digest);
}
