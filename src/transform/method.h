/* method.h -- a row of an edge's table, and what follows from it: defaults,
 * bounds, and the refusal of options that nothing reads.
 *
 *   opts --bounds--> a method (convert.c) --defaults--> opts of the job
 *     `-- an option that is set and in no list: refused; the error names
 *         the methods that read it
 */
#ifndef TRANSFORM_METHOD_H
#define TRANSFORM_METHOD_H

#include <trivium/trivium.h>

#include "adapt/artefact.h"

struct convert_job;
struct cost_lengths;
struct cost_plan;

/* A size that a budget may cut. */
struct method_cut {
    const char *name; // NULL: the list's end
    int32_t least;
    int late; // its turn: once all of earlier turns are at their least
};
#define METHOD_CUTS(...)                                                       \
    ((const struct method_cut[]){__VA_ARGS__, {.name = NULL}})
#define CUT(name_, least_)                                                     \
    {                                                                          \
        .name = (name_), .least = (least_)                                     \
    }
#define METHOD_TURNS 3
#define CUT_LATE(name_, least_) CUT_TURN(name_, least_, 1)
#define CUT_TURN(name_, least_, turn_)                                         \
    {                                                                          \
        .name = (name_), .least = (least_), .late = (turn_)                    \
    }
/* Of answers that are learned: fewer, then shorter ones in smaller steps. */
#define METHOD_CUTS_LEARN                                                      \
    METHOD_CUTS(CUT("samples", 96), CUT("steps", 30),                          \
                CUT_LATE("max-tokens", 24), CUT_LATE("batch", 8))

struct method {
    trv_method info;
    int variant;     // of methods that share `run`: which
    double lr_scale; // of the usual learning rate of what learns; 0: 1
    /* options that say how inputs are sampled, and nothing where these are
     * given; NULL: none */
    const char *sampling;
    /* what a run takes, by the options and the lengths of its rows
     * (learn/cost_plan.h); NULL: nothing */
    void (*plan)(struct cost_plan *p, const struct convert_job *job,
                 const struct cost_lengths *l);
    const struct method_cut *cuts; // METHOD_CUTS(); NULL: none
    /* what can be refused before any work, by the options alone; NULL: nothing
     */
    int (*refuse)(const struct convert_job *job, trv_err *err);
    int (*run)(const struct convert_job *job, trv_cost *cost, trv_err *err);
};

/* An arrow of the triangle and its methods. Where none is asked for, the first
 * that makes the kind is taken; with given pairs, the first that reads
 * those. */
struct edge {
    enum form from, to;
    const char *title; // "base->params", for people
    const char *name;  // "reward->params", for trivium.json
    const struct method *methods;
    int n;
};

/* A method, and what it makes here. */
struct method_use {
    const struct method *method;
    enum kind makes;
};

/** Does the method read an option, itself or by a group? */
bool method_reads(const struct method *m, const char *option);
/** Is the option read by every conversion, by the method or by what it
 * makes? */
bool method_use_reads(const struct method_use *use, const char *option);
/** The same, beside the other options: some say nothing where inputs are
 * given. */
bool method_use_heeds(const struct method_use *use,
                      const trv_convert_options *o, const char *option);
/** The options that are read where a kind is made, whatever makes it; "" where
 * there are none. */
const char *method_kind_options(const char *kind);
bool method_makes(const struct method *m, enum kind kind);

/** Check every number's bounds and every choice. TRV_ERANGE, TRV_EINVAL. */
int method_check_options(const trv_convert_options *o, trv_err *err);

/** TRV_EINVAL names the first option that is set and that neither a method of
 * use [n] nor what it makes reads, and with what it goes among the edges
 * (NULL-terminated). */
int method_check_read(const struct method_use *use, int n,
                      const trv_convert_options *o,
                      const struct edge *const *edges, trv_err *err);

/** TRV_EINVAL names an option that is set and that decides how pairs are made,
 * where they are given. */
int method_check_pairs(const trv_convert_options *o, trv_err *err);

/** Reset what neither the method nor what it makes reads: in a chain it is meant
 * for another link. */
void method_drop_unread(const struct method_use *use, trv_convert_options *o);

/** Add every option that is set and that decides a result, by its name. The
 * values are numbers, true, or text. TRV_ENOMEM. */
int method_set_options_to_json(json_t *to, const trv_convert_options *o,
                               trv_err *err);

/** Set what is left at 0 to the method's default. */
void method_defaults(const struct method *m, trv_convert_options *o);

/** A whole number of the options, by its name [n]. */
int32_t *method_size(trv_convert_options *o, const char *name, size_t n);
/** Set an option as a command line would: `value` NULL for a flag, else borrowed
 * where it is a text. TRV_EINVAL: there is none of that name, or the value is
 * none for it. */
int method_set_option(trv_convert_options *o, const char *name,
                      const char *value, trv_err *err);
/** Did the user give an option: is it set, or named by o->fixed? */
bool method_is_given(const trv_convert_options *o, const char *name, size_t n);

#endif
