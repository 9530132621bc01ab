/* adaptation.c -- an open adaptation and its parts: functions that visit all of
 * them. */
#include "adapt/adaptation.h"

#include "adapt/prompt/demos.h"
#include "adapt/prompt/retrieve.h"
#include "adapt/reward/reward.h"
#include "base/mem.h"

/* How many parts it has: of a mix, or of a reward with its two sides. */
static int64_t
count_parts(const struct adaptation *a)
{
    return a->n_mix + (a->reward ? a->reward->n_parts + 2 : 0);
}

/* One of them; NULL for a side that is the base or that there is not. */
static struct adaptation *
part_at(const struct adaptation *a, int64_t i)
{
    if (i < a->n_mix)
        return a->mix[i].a;
    i -= a->n_mix;
    if (i < a->reward->n_parts)
        return a->reward->parts[i].of;
    return i == a->reward->n_parts ? a->reward->plus : a->reward->minus;
}

bool
adaptation_is_chat(const struct adaptation *a)
{
    bool chat = a && (a->kind == KIND_MESSAGES ||
                      (a->demos && demos_is_chat(a->demos)));

    for (int64_t i = 0; a && i < count_parts(a); i++)
        chat = chat || adaptation_is_chat(part_at(a, i));
    return chat;
}

bool
adaptation_has_text(const struct adaptation *a)
{
    bool text = a && (a->kind == KIND_TEXT || a->kind == KIND_RETRIEVE);

    for (int64_t i = 0; a && i < count_parts(a); i++)
        text = text || adaptation_has_text(part_at(a, i));
    return text;
}

int
adaptation_use_notes(struct strbuf *out, const struct adaptation *a,
                     trv_err *err)
{
    int rc = a && a->retrieve ? retrieve_note(out, a->retrieve, err) : 0;

    for (int64_t i = 0; a && i < count_parts(a) && !rc; i++)
        rc = adaptation_use_notes(out, part_at(a, i), err);
    return rc;
}

void
adaptation_free(struct adaptation *a)
{
    if (!a)
        return;
    for (int64_t i = 0; i < count_parts(a); i++)
        adaptation_free(part_at(a, i));
    mem_free(a->mix);
    if (!a->full_is_lent)
        session_free(a->full);
    adapter_weights_release(&a->adapter_weights);
    reward_free(a->reward);
    artefact_release(&a->artefact);
    json_decref(a->messages);
    demos_free(a->demos);
    retrieve_free(a->retrieve);
    mem_free(a->text);
    sb_release(&a->notes);
    mem_free(a->base_name);
    mem_free(a->path);
    mem_free(a->spec);
    mem_free(a);
}
