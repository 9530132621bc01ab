/* linear.c -- the weights of a linear map as f32. */
#include "backend/linear.h"

#include "base/mem.h"

int64_t
linear_part_out(const struct linear *lin, int p)
{
    return lin->transposed ? tensor_cols(lin->part[p])
                           : tensor_rows(lin->part[p]);
}

int
linear_check(const struct linear *lin, trv_err *err)
{
    int64_t out = 0;

    if (lin->in < 1 || lin->out < 1 || lin->in > INT32_MAX ||
        lin->out > INT32_MAX)
        return err_fail(err, TRV_EINVAL, "a linear map of %lld by %lld",
                        (long long)lin->out, (long long)lin->in);
    if (lin->n_parts < 0 || lin->n_parts > LINEAR_PARTS ||
        (lin->n_parts == 0 && !lin->master))
        return err_fail(err, TRV_EINVAL, "a linear map of %d parts",
                        lin->n_parts);
    for (int p = 0; p < lin->n_parts; p++) {
        const struct tensor *t = lin->part[p];
        const int64_t in = lin->transposed ? tensor_rows(t) : tensor_cols(t);

        if (in != lin->in)
            return err_fail(err, TRV_EINVAL, "'%s' takes %lld inputs, not %lld",
                            t->name ? t->name : "?", (long long)in,
                            (long long)lin->in);
        out += linear_part_out(lin, p);
    }
    if (lin->n_parts > 0 && out != lin->out)
        return err_fail(err, TRV_EINVAL,
                        "the parts of a linear map give %lld outputs, not %lld",
                        (long long)out, (long long)lin->out);
    return 0;
}

/* Stored [in, n]: row i of the file is column i of W. */
static void
transpose_part(float *w, const struct linear *lin, const struct tensor *t,
               float *row, int64_t n)
{
    for (int64_t i = 0; i < lin->in; i++) {
        tensor_rows_f32(row, t, i, 1);
        for (int64_t o = 0; o < n; o++)
            w[o * lin->in + i] = row[o];
    }
}

int
linear_weights(float *w, const struct linear *lin, trv_err *err)
{
    int64_t at = 0;
    float *row;

    if (lin->master) {
        memcpy(w, lin->master,
               sizeof(float) * (size_t)lin->out * (size_t)lin->in);
        return 0;
    }
    row = mem_array((size_t)lin->out, sizeof(float));
    if (!row)
        return err_fail(err, TRV_ENOMEM, "no memory to read weights");
    for (int p = 0; p < lin->n_parts; p++) {
        const int64_t n = linear_part_out(lin, p);

        if (lin->transposed)
            transpose_part(w + at * lin->in, lin, lin->part[p], row, n);
        else
            tensor_rows_f32(w + at * lin->in, lin->part[p], 0, n);
        at += n;
    }
    mem_free(row);
    return 0;
}
