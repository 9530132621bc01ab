#!/usr/bin/env python3
"""Write src/text/unicode_marks.inc: characters that utf8proc 2.8 (Unicode 15)
orders or takes apart, and tokenizers 0.23.3, whose tables for normal forms are
older, leaves as they are. Fails where the two differ in another way.
"""
import ctypes, ctypes.util
from tokenizers import normalizers

lib = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
for f in ("utf8proc_NFD", "utf8proc_NFKD", "utf8proc_NFC", "utf8proc_NFKC"):
    getattr(lib, f).restype = ctypes.c_void_p
    getattr(lib, f).argtypes = [ctypes.c_char_p]
libc = ctypes.CDLL(None)
libc.free.argtypes = [ctypes.c_void_p]


def ours(form, s):
    p = getattr(lib, "utf8proc_" + form)(s.encode())
    out = ctypes.string_at(p).decode()
    libc.free(p)
    return out


nfd = normalizers.NFD()
marks = []
for c in range(0x300, 0x110000):
    if 0xD800 <= c < 0xE000:
        continue
    s = "a\u0345" + chr(c)  # U+0345 has the highest class, 240
    if ours("NFD", s) != s and nfd.normalize_str(s) == s:
        marks.append(c)
    for form in ("NFD", "NFKD", "NFC", "NFKC"):
        theirs = getattr(normalizers, form)().normalize_str(chr(c))
        if ours(form, chr(c)) != theirs:
            assert theirs == chr(c), hex(c)
            marks.append(c)
run, out = None, []
for c in sorted(set(marks)):
    if run and run[1] == c - 1:
        run[1] = c
    else:
        run = [c, c]
        out.append(run)
for a, b in out:
    print("{0x%X, 0x%X}," % (a, b))
