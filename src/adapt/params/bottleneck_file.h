/* bottleneck_file.h -- bottleneck adapters on disk. PEFT has no format for
 * them, so this one is ours:
 *
 *   bottleneck_config.json   {"activation": "silu", "base_model_name_or_path":,
 *                             "layers":, "places": ["attention", "mlp"],
 *                             "size":, "width":}
 *   bottleneck.safetensors   layers.<i>.<place>.down.weight [S,C]
 *                                              .down.bias   [S]
 *                                              .up.weight   [C,S]
 *                                              .up.bias     [C]
 */
#ifndef ADAPT_PARAMS_BOTTLENECK_FILE_H
#define ADAPT_PARAMS_BOTTLENECK_FILE_H

#include "adapt/payload.h"
#include "model/decoder/bottleneck.h"

#define BOTTLENECK_CONFIG "bottleneck_config.json"
#define BOTTLENECK_WEIGHTS "bottleneck.safetensors"

bool bottleneck_file_is(const char *dir);

/** As peft_virtual_read() and its kin. */
int bottleneck_file_read(struct bottleneck *out, char **base,
                         const struct model_config *cfg, const char *dir,
                         bool trained, trv_err *err);
int bottleneck_file_parse(struct bottleneck *out, char **base,
                          const struct model_config *cfg, const char *name,
                          const char *config, size_t n_config,
                          const void *weights, size_t n_weights, bool trained,
                          trv_err *err);
int bottleneck_file_encode(struct payload_files *out,
                           const struct bottleneck *b, const char *base,
                           trv_err *err);

#endif
