/* evolve_report.h -- the report of a search for an instruction: its plan, its
 * best candidates, and warnings.
 */
#ifndef TRANSFORM_EVOLVE_REPORT_H
#define TRANSFORM_EVOLVE_REPORT_H

#include "transform/evolve/evolve.h"
#include "transform/job.h"
#include "transform/search/search_inputs.h"

#define EVOLVE_KEY_VARIABLE "TRIVIUM_PROPOSER_KEY"

struct evolve_plan {
    const struct convert_job *job;
    struct work w; // it keeps search.jsonl
    char *transcript;
    struct parts phrases;
    struct search_inputs inputs;
    struct data_row *rows;    // of the inputs to search on, in order
    struct prompt_place slot; // of these; without rows there is none
    struct proposer *proposer;
    int64_t max_tokens;
    int64_t round; // as last reported
    double tokens;
};

void evolve_report_plan(const struct evolve_plan *p);
void evolve_report_table(const struct evolve_plan *p, const struct evolve *e);
void evolve_report_trouble(const struct evolve_plan *p, const struct evolve *e);

#endif
