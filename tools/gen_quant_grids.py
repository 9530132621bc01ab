#!/usr/bin/env python3
"""Write src/backend/quant_grids.inc: the vectors that IQ1, IQ2 and IQ3 blocks
point to, from the tables of the package gguf 0.19.0. A vector is one number:
eight values of 2 bits, or four of 4 bits, the first in the lowest bits.
"""
import numpy as np
from gguf import quants

NAMES = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S")

with open("src/backend/quant_grids.inc", "w") as f:
    for name in NAMES:
        cls = getattr(quants, name)
        rows = np.frombuffer(bytes.fromhex(cls.grid_hex.decode()), "<u2")
        assert len(rows) == cls.grid_shape[0]
        f.write("static const uint16_t grid_%s[%d] = {\n"
                % (name.lower(), len(rows)))
        for i in range(0, len(rows), 9):
            f.write("    " + " ".join("0x%04x," % x for x in rows[i:i + 9])
                    + "\n")
        f.write("};\n")
