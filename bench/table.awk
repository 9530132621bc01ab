# table.awk -- the lines of bench.sh as one table: medians over the rounds, the
# range of the rates around it, and ratios of the better precisions.

function field(key,    at, s) {
    at = index($0, "\"" key "\": ")
    if (!at)
        return ""
    s = substr($0, at + length(key) + 4)
    sub(/[,}].*/, "", s)
    gsub(/"/, "", s)
    return s
}

# The median of v[k, 1..n]; low and high take the ends.
function median(v, k, n,    i, j, t, s) {
    for (i = 1; i <= n; i++)
        s[i] = v[k, i] + 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && s[j - 1] > s[j]; j--) {
            t = s[j]
            s[j] = s[j - 1]
            s[j - 1] = t
        }
    low = s[1]
    high = s[n]
    return n % 2 ? s[(n + 1) / 2] : (s[n / 2] + s[n / 2 + 1]) / 2
}

{
    k = field("side") " " field("task") " " field("precision")
    n[k]++
    rate[k, n[k]] = field("tokens_per_s")
    cpu[k, n[k]] = field("cpu_us_per_token")
    peak[k, n[k]] = field("peak_mib")
    gflops[k, n[k]] = field("gflops")
    share[k, n[k]] = field("share")
    # The ratio of a round: measured one after the other.
    if (field("side") == "torch" && field("tokens_per_s") > 0) {
        o = "trivium " field("task") " " field("precision")
        pair[o, n[k]] = rate[o, n[k]] / field("tokens_per_s")
    }
}

function line(side, task, precision,    k, m) {
    k = side " " task " " precision
    if (!n[k])
        return
    m = median(rate, k, n[k])
    printf "%-7s %-8s %-5s %9.1f  %8.1f-%-8.1f %9.0f %9.0f", task, side,
           precision, m, low, high, median(cpu, k, n[k]), median(peak, k, n[k])
    if (side == "trivium")
        printf " %9.1f %5.0f%%", median(gflops, k, n[k]),
               100 * median(share, k, n[k])
    printf "\n"
}

function better(side, task,    a, b) {
    a = side " " task " bf16"
    b = side " " task " f32"
    return median(rate, a, n[a]) >= median(rate, b, n[b]) ? a : b
}

END {
    split("train score sample", tasks, " ")
    print ""
    printf "%-7s %-8s %-5s %9s  %-17s %9s %9s %9s %6s\n", "task", "side",
           "type", "tokens/s", "range of rounds", "cpu us/t", "peak MiB",
           "GFLOP/s", "share"
    for (i = 1; i <= 3; i++) {
        line("trivium", tasks[i], "bf16")
        line("trivium", tasks[i], "f32")
        line("torch", tasks[i], "bf16")
        line("torch", tasks[i], "f32")
        line("torch", tasks[i], "bf16*")
    }
    print "share: of oneDNN's bare products of the same shapes, in one process"
    if (n["torch train bf16*"])
        print "bf16*: LoRA pairs, gradients and moments in bf16, too;" \
              " the others hold them in f32, as PEFT does by default"
    if (!n["torch train f32"])
        exit
    printf "\n%-7s %10s %-13s %12s %12s %12s   better types\n", "task",
           "tokens/s", " same type", "cpu", "peak memory", "least"
    for (i = 1; i <= 3; i++) {
        a = better("trivium", tasks[i])
        b = better("torch", tasks[i])
        r = median(rate, a, n[a]) / median(rate, b, n[b])
        median(pair, a, n[a])
        range = sprintf("%.2f-%.2f", low, high)
        least = median(peak, b, n[b])
        split("bf16 f32 bf16*", types, " ")
        for (j = 1; j <= 3; j++) {
            c = "torch " tasks[i] " " types[j]
            if (n[c] && median(peak, c, n[c]) < least)
                least = median(peak, c, n[c])
        }
        printf "%-7s %9.2fx  %-12s %11.2fx %11.2fx %11.2fx   %s, %s\n",
               tasks[i], r, range,
               median(cpu, b, n[b]) / median(cpu, a, n[a]),
               median(peak, a, n[a]) / median(peak, b, n[b]),
               median(peak, a, n[a]) / least, a, b
    }
    print "same type: the ratios of the rounds, bf16 to bf16 or f32 to f32"
    print "cpu: torch's processor time for a token over ours; peak memory: ours" \
          " over that of torch's better type; least: over the least of its types"
}
