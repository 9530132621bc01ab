/* error.h -- result codes, and the sentence that goes with a failure. */
#ifndef TRIVIUM_ERROR_H
#define TRIVIUM_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TRV_API __attribute__((visibility("default")))
#define TRV_MUST_USE __attribute__((warn_unused_result))
#define TRV_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TRV_API
#define TRV_MUST_USE
#define TRV_PRINTF(f, a)
#endif

/** Every code a call may return: name, value, what it says of the world. */
#define TRV_ERROR_LIST(X)                                                      \
    X(TRV_EIO, -1, "a file cannot be read or written")                         \
    X(TRV_EFORMAT, -2, "a file is broken, hostile or contradicts itself")      \
    X(TRV_ERANGE, -3, "a value is outside its bounds")                         \
    X(TRV_ENOMEM, -4, "memory ran out")                                        \
    X(TRV_EINVAL, -5, "an argument is wrong")                                  \
    X(TRV_EUNSUPPORTED, -6, "known, but not supported")                        \
    X(TRV_EMISMATCH, -7, "two parts do not belong together")                   \
    X(TRV_ECANCELED, -8, "stopped by the caller")                              \
    X(TRV_ENONFINITE, -9, "a number became infinite or undefined")             \
    X(TRV_ETOOLONG, -10, "longer than the model's context")                    \
    X(TRV_EEXIST, -11, "the output is already there")                          \
    X(TRV_EDIVERGED, -12, "a run went wrong: its loss rose or its reward fell")

enum trv_code {
    TRV_OK = 0,
#define TRV_ERROR_ENUM(name, value, text) name = value,
    TRV_ERROR_LIST(TRV_ERROR_ENUM)
#undef TRV_ERROR_ENUM
};

/** A failure: its code and one sentence, lower case, no full stop. */
typedef struct {
    int code;
    char msg[1012];
    const char *option; // the option whose name the sentence begins with, as in
                        // trv_method's lists: "clip-ratio"; NULL: none
} trv_err;

/** @return the short description of a code; never NULL. */
TRV_API const char *trv_code_text(int code);

#ifdef __cplusplus
}
#endif
#endif
