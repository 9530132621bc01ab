#!/usr/bin/env python3
"""Write src/text/unicode_new.inc: characters of Unicode 15 to 16 that
PCRE2 10.42 (Unicode 14) does not know yet, by general category, as Oniguruma
sees them through `tokenizers` 0.23.3. Python 3.11's unicodedata is Unicode 14.
"""
import sys, unicodedata
from tokenizers import Regex, pre_tokenizers

CATS = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Cf".split()
# A long-known character of the same category and UTF-8 length (3, 4 bytes).
STAND = {
    "Lu": (0x1E00, 0x10400), "Ll": (0x1D00, 0x10428), "Lm": (0x1D2C, 0x16B40),
    "Lo": (0x0904, 0x10380), "Mn": (0x0900, 0x1D167), "Mc": (0x0903, 0x11000),
    "Nd": (0x0966, 0x104A0), "Nl": (0x2160, 0x10140), "No": (0x2460, 0x10107),
    "Po": (0x0964, 0x10100), "Pd": (0x2010, 0x10EAD), "Sm": (0x2200, 0x1D6C1),
    "So": (0x2100, 0x1D100), "Sc": (0x20A0, 0x1E2FF), "Sk": (0x309B, 0x1F3FB),
    "Cf": (0x200B, 0x1D173), "Lt": (0x1F88, None), "Me": (0x20DD, None),
    "Ps": (0x0F3A, None), "Pe": (0x0F3B, None), "Pi": (0x2018, None),
    "Pf": (0x2019, None), "Pc": (0x203F, None), "Zs": (0x2000, None),
}
HAN = 0x20000
cat = {}
chars = [chr(c) for c in range(0x80, 0x110000)
         if unicodedata.category(chr(c)) == "Cn"]
for k in CATS:
    sp = pre_tokenizers.Split(Regex(r"\p{%s}" % k), "removed", invert=True)
    for i in range(0, len(chars), 5000):
        for x, _ in sp.pre_tokenize_str("".join(chars[i:i + 5000])):
            for c in x:
                cat[ord(c)] = k
out, run = [], None
for c in sorted(cat):
    k = cat[c]
    han = 0x2A6E0 <= c <= 0x323AF
    s = HAN if han else STAND[k][c > 0xFFFF]
    assert c > 0x7FF and s and unicodedata.category(chr(s)) == k, (hex(c), k)
    if run and run[1] == c - 1 and run[2] == s:
        run[1] = c
    else:
        run = [c, c, s]
        out.append(run)
for a, b, s in out:
    sys.stdout.write("{0x%X, 0x%X, 0x%X},\n" % (a, b, s))
