/* triangle_rows.c -- every node as a row of a table, which a telephone shows as
 * a list; and the page's one script, which sorts and filters it.
 */
#include <math.h>

#include "cli/triangle_parts.h"

/* A column of numbers: of a figure where `cost` is NULL. */
static const struct column {
    const char *head;
    enum means_what what;
    const char *cost;
    double unit; // shown in these
    int digits;
} columns[] = {
    {"kept of the source", MEANS_KEPT, NULL, 1, 3},
    {"kept of the step before", MEANS_STEP, NULL, 1, 3},
    {"nats from the base", MEANS_KL_BASE, NULL, 1, 3},
    {"rank tau", MEANS_RANK_TAU, NULL, 1, 2},
    {"reward", MEANS_REWARD, NULL, 1, 3},
    {"second reward", MEANS_SECOND, NULL, 1, 3},
    {"pairs as labelled", MEANS_PAIRS, NULL, 1, 3},
    {"seconds", 0, "seconds", 1, 1},
    {"processor s", 0, "processor_seconds", 1, 1},
    {"tokens read, thousands", 0, "tokens_read", 1e3, 1},
    {"tokens drawn, thousands", 0, "tokens_drawn", 1e3, 1},
    {"TFLOP", 0, "flop", 1e12, 2},
    {"peak MB", 0, "peak_bytes", 1e6, 0},
    {"artefact kB", 0, "artefact_bytes", 1e3, 0},
    {"ms more a token", 0, "added_seconds_per_token", 1e-3, 2},
};
#define COLUMNS ((int)(sizeof(columns) / sizeof(*columns)))

static void
put_value(const struct triangle_page *p, const struct column *c,
          const json_t *node)
{
    const trv_figure f =
        c->cost ? (trv_figure){.low = (double)NAN} : means_node(node, c->what);
    const double x = (c->cost ? means_cost(node, c->cost) : f.mean) / c->unit;

    if (!isfinite(x)) {
        fputs("<td data-v=\"\"></td>", p->f);
        return;
    }
    fprintf(p->f, "<td data-h=\"%s\" data-v=\"%.9g\">", c->head, x);
    tpage_number(p->f, x, c->digits);
    if (isfinite(f.low) && isfinite(f.high) && c->what <= MEANS_STEP) {
        fputs(" <span>", p->f);
        tpage_number(p->f, f.low, 2);
        fputs(" to ", p->f);
        tpage_number(p->f, f.high, 2);
        fputs("</span>", p->f);
    }
    fputs("</td>", p->f);
}

static void
put_row(const struct triangle_page *p, size_t at)
{
    const json_t *node = json_array_get(p->nodes, at);
    const struct means_group *g = &p->m.groups[p->m.of[at]];
    const char *why = means_text(node, "sentence");
    const char *status = means_text(node, "status");
    const bool is_done = tpage_is(status, "done");

    fputs("<tr><th scope=\"row\">", p->f);
    tpage_line(p, means_text(node, "id"));
    if (*why) {
        fputs("<span>", p->f);
        tpage_line(p, why);
        fputs("</span>", p->f);
    }
    fprintf(p->f, "</th><td data-h=\"status\"%s>",
            is_done ? "" : " class=\"undone\"");
    tpage_line(p, status);
    fputs("</td><td data-h=\"by\">", p->f);
    tpage_line(p, *g->method ? g->method : g->role);
    fputs("</td>", p->f);
    for (int i = 0; i < COLUMNS; i++)
        put_value(p, &columns[i], node);
    fputs("</tr>\n", p->f);
}

/* Sorts by a column whose head is pressed; numbers by data-v, what has none
 * last. Shows only rows that have all words. */
static const char script[] =
    "<script>\n{"
    "for(const t of document.querySelectorAll('table.sort')){\n"
    "const head=[...t.tHead.rows[0].cells],body=t.tBodies[0];\n"
    "head.forEach((h,c)=>{const b=document.createElement('button');"
    "b.append(...h.childNodes);h.append(b);\n"
    "b.onclick=()=>{const up=h.ariaSort!=='ascending';"
    "head.forEach(x=>x.ariaSort=null);"
    "h.ariaSort=up?'ascending':'descending';\n"
    "const key=r=>{const d=r.cells[c].dataset.v;return d===undefined?"
    "r.cells[c].textContent:d===''?null:+d};\n"
    "body.append(...[...body.rows].sort((x,y)=>{const p=key(x),q=key(y);"
    "if(p===null||q===null)return(p===null)-(q===null);"
    "return(p<q?-1:p>q?1:0)*(up?1:-1)}))}})}\n"
    "const rows=[...document.querySelectorAll('table.sort tbody tr')],"
    "box=document.createElement('p');box.className='filter';\n"
    "box.innerHTML='<label>Only rows with <input type=\"search\"></label> "
    "<output></output>';\n"
    "const show=()=>{const w=box.querySelector('input').value.toLowerCase()"
    ".split(' ');let n=0;for(const r of rows){const t=r.textContent"
    ".toLowerCase();r.hidden=!w.every(x=>t.includes(x));n+=!r.hidden}"
    "box.querySelector('output').textContent=n+' of '+rows.length};\n"
    "if(rows.length){box.oninput=show;document.querySelector('table.sort')"
    ".parentElement.before(box);show()}\n"
    "}</script>\n";

void
tpage_rows(const struct triangle_page *p)
{
    const char *heads[COLUMNS + 4] = {"conversion", "status", "by"};

    if (json_array_size(p->nodes) == 0)
        return;
    for (int i = 0; i < COLUMNS; i++)
        heads[3 + i] = columns[i].head;
    tpage_begin(p, "all", "All figures", NULL);
    tpage_begin_table(p, "all", "sort list", heads);
    for (size_t i = 0; i < json_array_size(p->nodes); i++)
        put_row(p, i);
    tpage_end_table(p);
    tpage_end(p);
    fputs(script, p->f);
}
