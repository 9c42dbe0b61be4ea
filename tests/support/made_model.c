/* SPDX-License-Identifier: Apache-2.0 */
#include "support/made_model.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MADE_ARGS_MAX 8

static _Noreturn void made_die(const char *what)
{
    (void)fprintf(stderr, "made model: %s\n", what);
    exit(1);
}

void made_models_init(made_models *made)
{
    (void)snprintf(made->dir, sizeof(made->dir), "/tmp/aver-made-XXXXXX");
    if (mkdtemp(made->dir) == NULL) {
        made_die("no temporary folder");
    }
}

void made_models_deinit(made_models *made)
{
    DIR *dir = opendir(made->dir);

    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
        (void)rmdir(made->dir);
    }
}

/* args: of aver-model-make, NULL-terminated. */
static void made_run(const char *const *args)
{
    static char program[4096];
    char *argv[MADE_ARGS_MAX + 2] = {program};
    const char *bin = getenv("AVER_BIN");
    int status = 0;

    (void)snprintf(program, sizeof(program), "%s/aver-model-make", bin != NULL ? bin : ".");
    for (size_t i = 0; args[i] != NULL && i < MADE_ARGS_MAX; i++) {
        argv[i + 1] = strdup(args[i]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)execv(program, argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        made_die("aver-model-make failed");
    }
    for (size_t i = 1; argv[i] != NULL; i++) {
        free(argv[i]);
    }
}

static void made_path(const made_models *made, const char *name, const char *end,
                      char ret_path[MADE_MODEL_PATH_BYTES])
{
    (void)snprintf(ret_path, MADE_MODEL_PATH_BYTES, "%s/%s%s", made->dir, name, end);
}

void made_models_bert(const made_models *made, const char *name, unsigned seed,
                      char ret_path[MADE_MODEL_PATH_BYTES])
{
    char spec[64];

    made_path(made, name, ".gguf", ret_path);
    (void)snprintf(spec, sizeof(spec), "64,128,2,2,256,%u", seed);
    made_run((const char *const[]){"bert", spec, ret_path, NULL});
}

bool made_models_text(const made_models *made, const char *name, unsigned seed,
                      char ret_path[MADE_MODEL_PATH_BYTES])
{
    const char *models = getenv("AVER_MODELS");
    char spec[64], plain[MADE_MODEL_PATH_BYTES], tokenizer[4096];

    (void)snprintf(tokenizer, sizeof(tokenizer), "%s/llama2-tokenizer.bin",
                   models != NULL ? models : ".");
    if (access(tokenizer, R_OK) != 0) {
        (void)printf("SKIP: no llama2-tokenizer.bin in AVER_MODELS\n");
        return false;
    }
    made_path(made, name, ".f16.gguf", plain);
    made_path(made, name, ".gguf", ret_path);
    (void)snprintf(spec, sizeof(spec), "64,128,2,2,1,512,%u", seed);
    made_run((const char *const[]){"random", spec, tokenizer, plain, NULL});
    made_run((const char *const[]){"quantize", plain, ret_path, "q8_0", NULL});
    (void)unlink(plain);
    return true;
}

void made_models_lora(const made_models *made, const char *name, const char *base, unsigned rank,
                      unsigned seed, char ret_path[MADE_MODEL_PATH_BYTES])
{
    char spec[64];

    made_path(made, name, ".gguf", ret_path);
    (void)snprintf(spec, sizeof(spec), "%u,%u", rank, seed);
    made_run((const char *const[]){"lora", base, spec, ret_path, NULL});
}
