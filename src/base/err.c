/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/err.h"

const char *aver_err_text(aver_err err)
{
    switch (err) {
    case AVER_OK:
        return "ok";
    case AVER_E_NOMEM:
        return "out of memory";
    case AVER_E_LIMIT:
        return "limit reached";
    case AVER_E_FORMAT:
        return "malformed";
    case AVER_E_PROOF:
        return "proof does not hold";
    case AVER_E_AGAIN:
        return "not now, try again";
    case AVER_E_IO:
        return "input or output failed";
    case AVER_E_PEER:
        return "the other side failed";
    case AVER_E_USAGE:
        return "wrong usage";
    case AVER_E_UNSUPPORTED:
        return "unsupported";
    case AVER_E_ABSENT:
        return "absent";
    case AVER_E_CRYPTO:
        return "cryptographic library failed";
    }
    return "unknown error";
}
