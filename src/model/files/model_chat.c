/* model_chat.c -- the chat template of a model, and what ends its answers.
 *
 *   folder   chat_template.jinja, additional_chat_templates/NAME.jinja, or else
 *            chat_template in tokenizer_config.json: a text, or a list of
 *            {"name":, "template":}
 *   GGUF     tokenizer.chat_template, tokenizer.chat_template.NAME
 *
 * Of several the one named "default" counts, and "tool_use" where a
 * conversation has tools, as in transformers. A template that cannot be read
 * costs only those who lay a conversation out: it is kept as its failure.
 */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/gguf.h"
#include "model/files/model.h"

#define TEMPLATE_MAX ((size_t)1 << 22) // bytes of a chat template's file
#define DEFAULT_NAME "default"

/* A template's text, and the file that it stands in. */
struct source {
    char *text, *file; // NULL where there is none
    bool unnamed;      // there are templates, but none of that name
};

static void
source_release(struct source *s)
{
    mem_free(s->text);
    mem_free(s->file);
    *s = (struct source){0};
}

static int
source_set(struct source *s, const char *file, const char *text, size_t n,
           trv_err *err)
{
    s->file = mem_strdup(file);
    s->text = mem_strndup(text, n);
    return s->file && s->text
               ? 0
               : err_nomem(err, "for the template of '%s'", file);
}

static int
source_read(struct source *s, const char *path, bool stream, trv_err *err)
{
    struct strbuf text = {0};
    int rc = stream ? file_read_stream(&text, path, TEMPLATE_MAX, err)
                    : file_read(&text, path, TEMPLATE_MAX, err);

    if (!rc)
        rc = source_set(s, path, text.s ? text.s : "", text.len, err);
    sb_release(&text);
    return rc;
}

/* Of a text, a list of {"name":, "template":} or an object of texts. */
static const char *
template_named(const json_t *v, const char *name)
{
    const json_t *e;
    size_t i;

    if (json_is_string(v) && strcmp(name, DEFAULT_NAME) == 0)
        return json_string_value(v);
    json_array_foreach(v, i, e)
    {
        const char *its = json_string_value(json_object_get(e, "name"));

        if (its && strcmp(its, name) == 0)
            return json_string_value(json_object_get(e, "template"));
    }
    return json_string_value(json_object_get(v, name));
}

static int
source_of_config(struct source *s, const char *path, const char *name,
                 trv_err *err)
{
    const json_t *v;
    const char *text;
    json_t *doc = NULL;
    int rc = json_open(&doc, path, err);

    if (rc)
        return rc;
    v = json_object_get(doc, "chat_template");
    text = template_named(v, name);
    s->unnamed = !text && (json_is_array(v) || json_is_object(v));
    if (text)
        rc = source_set(s, path, text, strlen(text), err);
    else if (s->unnamed)
        rc = source_set(s, path, "", 0, err);
    json_decref(doc);
    return rc;
}

static int
source_of_folder(struct source *s, const struct model *m, const char *name,
                 trv_err *err)
{
    const bool plain = strcmp(name, DEFAULT_NAME) == 0;
    char *main = path_join(m->path, "chat_template.jinja");
    char *config = path_join(m->path, "tokenizer_config.json");
    char *dir = path_join(m->path, "additional_chat_templates");
    char *named = NULL;
    struct strbuf file = {0};
    int rc = 0;

    if (!sb_printf(&file, "%s.jinja", name) && dir)
        named = path_join(dir, file.s);
    if (!main || !config || !named)
        rc = err_nomem(err, "to open '%s'", m->path);
    else if (plain && file_exists(main))
        rc = source_read(s, main, false, err);
    else if (!plain && file_exists(named))
        rc = source_read(s, named, false, err);
    else if (file_exists(config) && !file_exists(main))
        rc = source_of_config(s, config, name, err);
    sb_release(&file);
    mem_free(named);
    mem_free(dir);
    mem_free(config);
    mem_free(main);
    return rc;
}

static int
source_of_gguf(struct source *s, const struct model *m, const char *name,
               trv_err *err)
{
    static const char key[] = "tokenizer.chat_template";
    const bool plain = strcmp(name, DEFAULT_NAME) == 0;
    struct gguf_str text = {NULL, 0};
    struct strbuf full = {0};
    int rc = sb_printf(&full, plain ? "%s" : "%s.%s", key, name);

    if (rc)
        rc = err_nomem(err, "to open '%s'", m->path);
    else
        rc = gguf_string(&text, checkpoint_gguf(m->ckpt), full.s, err);
    if (!rc && text.s)
        rc = source_set(s, m->path, text.s, text.n, err);
    sb_release(&full);
    return rc;
}

static int
source_named(struct source *s, const struct model *m, const char *name,
             trv_err *err)
{
    *s = (struct source){0};
    if (strchr(name, '/')) // that is a path
        return 0;
    return m->gguf ? source_of_gguf(s, m, name, err)
                   : source_of_folder(s, m, name, err);
}

/* A template of the model's own, or its failure. */
static int
parse_or_refuse(struct chat_template **out, const struct source *s,
                trv_err *err)
{
    trv_err why = {0};
    int rc;

    if (s->unnamed)
        rc = err_fail(&why, TRV_EINVAL,
                      "'%s' has several chat templates and none is named "
                      "'" DEFAULT_NAME "'; --chat-template takes one by its "
                      "name",
                      s->file);
    else
        rc = chat_template_parse(out, s->file, s->text, strlen(s->text), &why);
    if (rc == TRV_ENOMEM)
        return err_fail(err, rc, "%s", why.msg);
    return rc ? chat_template_refuse(out, &why, err) : 0;
}

static int
open_own(struct chat_template **out, struct source *s, const struct model *m,
         trv_err *err)
{
    struct chat_template *tools = NULL;
    struct source with_tools;
    int rc = source_named(s, m, DEFAULT_NAME, err);

    if (rc || !s->text)
        return rc;
    rc = parse_or_refuse(out, s, err);
    if (rc)
        return rc;
    rc = source_named(&with_tools, m, "tool_use", err);
    if (!rc && with_tools.text && !with_tools.unnamed)
        rc = parse_or_refuse(&tools, &with_tools, err);
    if (!rc && tools)
        chat_template_set_tools(*out, tools);
    source_release(&with_tools);
    return rc;
}

static int
open_asked(struct chat_template **out, struct source *s, const struct model *m,
           const char *template, trv_err *err)
{
    static const char bom[] = "\xef\xbb\xbf"; // a byte order mark
    int rc = source_named(s, m, template, err);

    if (!rc && (!s->text || s->unnamed)) {
        source_release(s);
        rc = source_read(s, template, true, err);
        if (!rc && strncmp(s->text, bom, 3) == 0)
            memmove(s->text, s->text + 3, strlen(s->text + 3) + 1);
        if (!rc && !*s->text)
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' is empty and no chat template", template);
    }
    return rc ? rc
              : chat_template_parse(out, s->file, s->text, strlen(s->text),
                                    err);
}

/* The file wins over a template in tokenizer_config.json. */
static int
note_other(struct model *m, const struct source *used, trv_err *err)
{
    char *config = path_join(m->path, "tokenizer_config.json");
    json_t *doc = NULL;
    const char *text;
    int rc = config ? 0 : err_nomem(err, "to open '%s'", m->path);

    if (!rc && strcmp(used->file, config) != 0 && file_exists(config))
        rc = json_open(&doc, config, err);
    text = template_named(json_object_get(doc, "chat_template"), DEFAULT_NAME);
    if (!rc && text && strcmp(text, used->text) != 0 &&
        sb_printf(&m->notes,
                  "'%s' and chat_template.jinja beside it hold different "
                  "chat templates; that of the file is used\n",
                  config))
        rc = err_nomem(err, "to open '%s'", m->path);
    json_decref(doc);
    mem_free(config);
    return rc;
}

int
model_open_chat(struct model *m, const char *template, trv_err *err)
{
    struct chat_template *chat = NULL;
    struct source s = {0};
    int rc = template ? open_asked(&chat, &s, m, template, err)
                      : open_own(&chat, &s, m, err);

    if (!rc && chat && !template && !m->gguf)
        rc = note_other(m, &s, err);
    if (rc || !chat) {
        chat_template_free(chat);
        source_release(&s);
        return rc;
    }
    chat_template_free(m->chat);
    mem_free(m->chat_source);
    m->chat = chat;
    m->chat_source = s.text;
    s.text = NULL;
    source_release(&s);
    m->layout = chat_template_fault(m->chat) ? TEXT_RAW : TEXT_CHAT;
    m->has_turn_end = m->no_system = false;
    if (m->tokenizer) {
        const struct text_rules rules = model_text_rules(m);
        bool has_system = false;

        rc = example_turn_end(&m->turn_end, &rules, err);
        m->has_turn_end = !rc && m->turn_end >= 0;
        if (m->has_turn_end) // it is no part of an answer's text
            tokenizer_set_special(m->tokenizer, m->turn_end);
        if (!rc)
            rc = example_has_system(&has_system, &rules, err);
        m->no_system = !has_system;
    }
    return rc;
}

int
model_set_layout(struct model *m, const char *layout, trv_err *err)
{
    const bool chat = layout && strcmp(layout, "chat") == 0;
    const trv_err *fault = m->chat ? chat_template_fault(m->chat) : NULL;

    if (layout && !chat && strcmp(layout, "raw") != 0)
        return err_fail(err, TRV_EINVAL,
                        "layout '%.40s' is unknown; there are raw, chat",
                        layout);
    if (chat && !m->chat)
        return err_fail(err, TRV_EINVAL,
                        "'%s' has no chat template, which the layout chat "
                        "needs; --chat-template FILE takes one",
                        m->path);
    if (chat && fault)
        return err_fail(err, fault->code, "%s", fault->msg);
    m->layout = layout && !chat ? TEXT_RAW_ASKED : fault ? TEXT_RAW : TEXT_CHAT;
    return 0;
}

void
model_share_layout(struct model *m, const struct model *with)
{
    if (!with->chat)
        m->layout = TEXT_RAW;
    else if (with->layout != TEXT_CHAT)
        m->layout = with->layout;
}

bool
model_is_chat(const struct model *m)
{
    return m->chat && m->layout == TEXT_CHAT;
}
