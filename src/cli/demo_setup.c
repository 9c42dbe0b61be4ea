/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo.h"

#include "base/sys.h"
#include "cli/pin.h"
#include "cli/show.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "model/weights.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEMO_STORY_MODEL "stories15M-q8_0.gguf"
#define DEMO_COPY_PIECE  (1u << 20)

static bool demo_path(char *ret_path, const char *a, const char *b)
{
    int size = snprintf(ret_path, AVER_DEMO_PATH_MAX, "%s/%s", a, b);
    return size > 0 && size < AVER_DEMO_PATH_MAX;
}

static bool demo_exists(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Where set-up keeps models. */
static void demo_models_dir(char ret_dir[AVER_DEMO_PATH_MAX])
{
    const char *cache = getenv("AVER_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache != NULL && cache[0] != '\0') {
        (void)snprintf(ret_dir, AVER_DEMO_PATH_MAX, "%s/models", cache);
    } else if (xdg != NULL && xdg[0] != '\0') {
        (void)snprintf(ret_dir, AVER_DEMO_PATH_MAX, "%s/aver/models", xdg);
    } else {
        (void)snprintf(ret_dir, AVER_DEMO_PATH_MAX, "%s/.cache/aver/models",
                       home != NULL ? home : "");
    }
}

static const struct {
    const char *name;
    const char *reason;
} demo_models[] = {
    {"tinyllama-1.1b-chat-q4_0.gguf", "the chat model that set-up made"},
    {"tinyllama-1.1b-chat-iq2_xxs.gguf",
     "the chat model as published: its weights are outside the deterministic class"},
    {DEMO_STORY_MODEL, "the small story model: the chat model is not here"},
};
#define DEMO_MODELS_COUNT (sizeof demo_models / sizeof demo_models[0])

/* Why this model: by its name if set-up made it, else by who named it. */
static const char *demo_reason(const char *path, const char *asked)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; asked == NULL && i < DEMO_MODELS_COUNT; i++) {
        if (strcmp(slash != NULL ? slash + 1 : path, demo_models[i].name) == 0) {
            return demo_models[i].reason;
        }
    }
    return asked != NULL ? "named by --model" : "named by AVER_MODEL";
}

/* The one asked for, AVER_MODEL, or the first that set-up made. Says which and why. */
static bool demo_choose_model(aver_demo *demo, const char *asked)
{
    const char *named = getenv("AVER_MODEL");
    const char *path = asked != NULL ? asked : named;
    char dir[AVER_DEMO_PATH_MAX];
    demo_models_dir(dir);
    if (path != NULL && path[0] != '\0') {
        (void)snprintf(demo->model, sizeof demo->model, "%s", path);
    } else {
        for (size_t i = 0; i < DEMO_MODELS_COUNT && !demo_exists(demo->model); i++) {
            (void)demo_path(demo->model, dir, demo_models[i].name);
        }
    }
    if (!demo_exists(demo->model)) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO,
                            "there is no model %s: run make demo, or say --model FILE",
                            demo->model);
        return false;
    }
    if (!demo_path(demo->small, dir, DEMO_STORY_MODEL) || !demo_exists(demo->small)) {
        (void)snprintf(demo->small, sizeof demo->small, "%s", demo->model);
    }
    aver_term_print(demo->term, AVER_STYLE_PLAIN, "  model     %s\n", demo->model);
    aver_term_print(demo->term, AVER_STYLE_FAINT, "            %s\n",
                    demo_reason(demo->model, asked));
    return true;
}

/* The programs lie beside this one. */
static bool demo_choose_programs(aver_demo *demo, const char *node)
{
    char self[AVER_DEMO_PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "cannot tell where this program lies");
        return false;
    }
    self[size] = '\0';
    const char *dir = dirname(self);
    bool good = demo_path(demo->engine, dir, "aver-hostile-engine");
    if (node != NULL) {
        (void)snprintf(demo->program, sizeof demo->program, "%s", node);
    } else {
        good = good && demo_path(demo->program, dir, "aver-node-sim");
    }
    if (!good || access(demo->program, X_OK) != 0) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO,
                            "%s is not there: run make, or say --node PROGRAM", demo->program);
        return false;
    }
    return true;
}

bool aver_demo_choose(aver_demo *demo, const char *model, const char *node)
{
    return demo_choose_programs(demo, node) && demo_choose_model(demo, model);
}

static bool demo_make_dir(aver_demo *demo, const char *keep)
{
    if (keep != NULL) {
        (void)snprintf(demo->dir, sizeof demo->dir, "%s", keep);
        if (mkdir(keep, 0700) != 0 && errno != EEXIST) {
            (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "%s cannot be made", keep);
            return false;
        }
        return true;
    }
    const char *base = getenv("TMPDIR");
    (void)snprintf(demo->dir, sizeof demo->dir, "%.400s/aver-demo.XXXXXX",
                   base != NULL ? base : "/tmp");
    if (mkdtemp(demo->dir) == NULL) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "no temporary folder can be made");
        demo->dir[0] = '\0';
        return false;
    }
    return true;
}

/* A root key for the simulator, and its public half as this reader's root. */
static aver_err demo_make_root(aver_demo *demo)
{
    uint8_t seed[32];
    aver_ed25519 *key = NULL;
    aver_random(seed, sizeof seed);
    aver_err err = demo_path(demo->key, demo->dir, "sim.key") ? AVER_OK : AVER_E_LIMIT;
    if (err == AVER_OK) {
        err = aver_file_write(demo->key, AVER_VIEW_OF(seed), 0600);
    }
    if (err == AVER_OK) {
        err = aver_ed25519_from_seed(seed, &key);
    }
    if (err == AVER_OK) {
        memcpy(demo->roots.sim_root, aver_ed25519_public(key), 32);
        demo->roots.has_sim_root = true;
    }
    aver_ed25519_free(key);
    return err;
}

/* Root, chat or not, deterministic or not, of one model file. */
static bool demo_measure(aver_demo *demo, const char *path, uint8_t ret_root[32], bool *ret_chat)
{
    aver_weights weights;
    char why[160] = "";
    aver_err err = aver_weights_inspect(path, 0, &weights, why);
    if (err != AVER_OK) {
        (void)aver_cli_fail(demo->cli, AVER_EXIT_IO, "%s: %s", path,
                            why[0] != '\0' ? why : aver_err_text(err));
        return false;
    }
    aver_view text;
    memcpy(ret_root, weights.root, 32);
    *ret_chat = aver_gguf_text(weights.gguf, "tokenizer.chat_template", &text) == AVER_OK;
    aver_weights_close(&weights);
    return true;
}

static bool demo_pin(aver_demo *demo, aver_pin *pin, aver_buf *text)
{
    char why[200];
    char path[AVER_DEMO_PATH_MAX];
    aver_err err = aver_pin_program(demo->program, pin->measurements[0].bytes);
    if (err == AVER_OK) {
        aver_pin_write(pin, text);
        err = aver_policy_parse(aver_buf_view(text), &demo->policy, why);
    }
    if (err == AVER_OK && demo_path(path, demo->dir, "demo.policy.json")) {
        err = aver_file_write(path, aver_buf_view(text), 0644);
    }
    if (err != AVER_OK) {
        (void)aver_cli_fail_err(demo->cli, err, "the policy cannot be made");
    }
    return err == AVER_OK;
}

bool aver_demo_prepare(aver_demo *demo, const char *keep)
{
    aver_pin pin = {.name = "demo", .platform = "sim", .measurements_count = 1};
    pin.measurements[0] = (aver_measurement){.kind = "program", .size = 32};
    if (!demo_make_dir(demo, keep)) {
        return false;
    }
    aver_err err = demo_make_root(demo);
    if (err != AVER_OK) {
        (void)aver_cli_fail_err(demo->cli, err, "no simulator key can be made");
        return false;
    }
    if (!demo_measure(demo, demo->model, pin.models[pin.models_count++], &demo->chat)) {
        return false;
    }
    if (!demo_measure(demo, demo->small, pin.models[pin.models_count], &demo->small_chat)) {
        return false;
    }
    if (memcmp(pin.models[0], pin.models[1], 32) != 0) {
        pin.models_count++;
    }
    aver_buf text;
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    bool good = demo_pin(demo, &pin, &text);
    aver_buf_deinit(&text);
    char shown[24];
    char root[24];
    aver_show_short(pin.measurements[0].bytes, shown);
    aver_show_short(pin.models[0], root);
    aver_term_print(demo->term, AVER_STYLE_PLAIN, "  program   %s\n            sha-256 %s\n",
                    demo->program, shown);
    aver_term_print(demo->term, AVER_STYLE_PLAIN,
                    "  policy    accepts this program and model root %s, "
                    "both measured here\n",
                    root);
    return good;
}

aver_err aver_demo_spoil_model(const char *from, const char *to)
{
    uint8_t *piece = malloc(DEMO_COPY_PIECE);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat about;
    aver_err err =
        piece != NULL && in >= 0 && out >= 0 && fstat(in, &about) == 0 ? AVER_OK : AVER_E_IO;
    while (err == AVER_OK) {
        ssize_t got = read(in, piece, DEMO_COPY_PIECE);
        if (got <= 0) {
            err = got == 0 ? AVER_OK : AVER_E_IO;
            break;
        }
        err = write(out, piece, (size_t)got) == got ? AVER_OK : AVER_E_IO;
    }
    if (err == AVER_OK) {
        /* Weights fill all but the beginning of the file. */
        off_t place = about.st_size / 2;
        uint8_t byte = 0;
        err = pread(out, &byte, 1, place) == 1 ? AVER_OK : AVER_E_IO;
        byte ^= 1;
        if (err == AVER_OK && pwrite(out, &byte, 1, place) != 1) {
            err = AVER_E_IO;
        }
    }
    if (in >= 0) {
        (void)close(in);
    }
    if (out >= 0 && close(out) != 0) {
        err = AVER_E_IO;
    }
    free(piece);
    return err;
}

void aver_demo_clean(aver_demo *demo, bool keep)
{
    if (keep || demo->dir[0] == '\0') {
        return;
    }
    DIR *dir = opendir(demo->dir);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    (void)closedir(dir);
    (void)rmdir(demo->dir);
}
