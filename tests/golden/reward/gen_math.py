r"""References and answers as people and models write them, and whether math-verify 0.9.0 calls them equal: for test_maths.c.

    pip install math-verify==0.9.0 && python gen_math.py        (in this folder)

math.json holds [reference, answer, verdict]. A reference without a formula's marks is given to math-verify between dollars, as its
users do. The pairs are of the kinds of GSM8K and MATH: numbers, money, percentages, fractions, roots, powers, sets, intervals, tuples,
equations, inequalities, polynomials, matrices, units, words; each reference has right answers and wrong ones.
"""
import importlib.metadata
import json
import logging
import pathlib

from math_verify import parse, verify

assert importlib.metadata.version("math-verify") == "0.9.0"
logging.disable(logging.CRITICAL)

PAIRS = [
    # whole numbers, in words and boxes
    ("18", ["18", "The answer is 18.", "She makes $18 every day.", "#### 18", r"\boxed{18}", r"So we get $\boxed{18}$.", "17", "She makes $180.",
            r"\boxed{-18}", "**18**", "The answer is **18**", r"$18.00$", "18.0", r"Thus, the final answer is $18$. I hope it is correct.", "It is 9 * 2 = 18"]),
    ("#### 70000", ["70,000", "$70,000", r"\boxed{70{,}000}", r"$70{,}000$", r"\boxed{70000}", "7000", "His profit is $70,000.", "70000 dollars", r"\boxed{\$70,000}"]),
    ("Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether 48+24 = <<48+24=72>>72 clips.\n#### 72",
     ["#### 72", "72", "She sold 72 clips.", r"48 + 24 = \boxed{72}", "24", "The answer is 48", "Answer: 72"]),
    ("-7", ["-7", r"$-7$", r"\boxed{-7}", "7", "The result is -7.", "x = -7", r"$x = -7$", r"$-7.0$"]),
    ("0", ["0", r"\boxed{0}", "zero", r"$0$", r"$-0$", "0.0", "1"]),
    ("1024", [r"$2^{10}$", r"\boxed{2^{10}}", "1024", r"$4^5$", r"$2^{11}$", "1,024", r"$32^2$", r"$1024.0$"]),
    ("1000000", [r"$10^6$", "1,000,000", r"$1 \times 10^6$", r"$10^5$", r"\boxed{1{,}000{,}000}"]),
    ("3628800", [r"$10!$", "3,628,800", r"$9!$"]),
    ("10", [r"$\binom{5}{2}$", r"$\dbinom{5}{3}$", r"$\binom{5}{1}$", r"$\frac{5!}{2! \cdot 3!}$"]),
    ("12345678901234567890", ["12345678901234567890", "12345678901234567891", r"$12345678901234567890$", r"\boxed{12345678901234567891}"]),
    ("8", [r"$|-8|$", r"$\sqrt{64}$", r"$\sqrt[3]{512}$", r"$\log_2 256$", r"$2 \cdot 4$", r"$2 \times 4$", r"$16 \div 2$", r"$16/2$", r"$\lfloor 8.7 \rfloor$", r"$\lceil 7.2 \rceil$", r"$\left(2\right)^3$"]),
    # money, units, percent
    ("12.50", ["$12.50", "12.5", r"\$12.50", r"\boxed{\$12.50}", "12.05", r"$12.5$ dollars", r"$\$12.50$", r"\boxed{12.50 \text{ dollars}}"]),
    (r"\$36", ["36", r"\boxed{36}", "$36", r"$\$36$", "35"]),
    (r"15 \text{ cm}", ["15 cm", r"$15\text{ cm}$", r"\boxed{15}", r"$15 \mathrm{~cm}$", r"$15 \, \text{cm}$", "15", "16 cm", r"\boxed{15 \text{ m}}"]),
    (r"24 \text{ cm}^2", [r"$24\text{ cm}^2$", "24", r"\boxed{24\ \text{cm}^{2}}", r"$24 \text{ square centimeters}$", r"$25 \text{ cm}^2$"]),
    (r"90^\circ", ["90", r"$90^\circ$", r"$90^{\circ}$", r"\boxed{90^\circ}", r"$90 \text{ degrees}$", r"$45^\circ$", "90 degrees"]),
    (r"60 \text{ mph}", ["60 mph", r"\boxed{60 \text{ miles per hour}}", "60", "6"]),
    (r"50\%", ["50%", r"$50\%$", r"\boxed{50\%}", "50", "0.5", r"$\frac{1}{2}$", "5%", r"\boxed{50}", "50 percent", r"\boxed{0.5}"]),
    ("25", ["25%", r"$25\%$", r"\boxed{25\%}", "0.25", "26%"]),
    ("0.25", ["25%", r"$25\%$", "25", r"$\frac{1}{4}$", ".25", "1/4"]),
    (r"12.5\%", ["12.5%", r"$12.5\%$", "0.125", r"$\frac{1}{8}$", "12.5", r"\boxed{12.5}"]),
    (r"33\frac{1}{3}\%", [r"$33\frac{1}{3}\%$", r"$\frac{100}{3}\%$"]),
    # decimals
    ("0.1", ["0.1", "It is 0.1", ".1", r"$\frac{1}{10}$", "0.10", "0.01", r"\boxed{0.1}", "0.11"]),
    ("2.3", ["2.3", "2.30", r"$\frac{23}{10}$", "2.31", r"$2.3$ meters"]),
    ("19.99", ["$19.99", "19.99", "19.9", "20"]),
    ("3.14", ["3.14", r"$\pi$", r"$3.14$", r"$x \approx 3.14$", "3.140", "3.1415"]),
    ("0.333333", [r"$\frac{1}{3}$", "1/3", "0.3333333", "0.33"]),
    (r"\frac{1}{3}", ["0.333333", "0.33", "0.3333333333", r"$0.333333$", "1/3", r"$1/3$", r"\frac{1}{3}", r"\boxed{\frac{1}{3}}", r"\boxed{\frac{2}{3}}", r"$\dfrac{1}{3}$",
                      r"$\tfrac13$", r"$\frac13$", r"$\frac{2}{6}$", r"$-\frac{1}{3}$", "2/3", "The answer is 1/3.", r"$\frac{1}{3} \approx 0.33$", "3"]),
    ("1/3", ["2/3", "1/3", r"$\frac{1}{3}$", r"\boxed{1/3}", "3", "0.333333", r"\boxed{\frac{1}{3}}"]),
    (r"-\frac{3}{4}", [r"$-\frac{3}{4}$", r"$\frac{-3}{4}$", r"$\frac{3}{-4}$", "-3/4", "-0.75", r"$\frac{3}{4}$", r"\boxed{-\dfrac{3}{4}}", r"$-\left(\frac{3}{4}\right)$"]),
    (r"\frac{22}{7}", [r"$\frac{22}{7}$", r"$3\frac{1}{7}$", "22/7", r"$\pi$", "3.142857"]),
    (r"2\frac{1}{2}", [r"$2\frac{1}{2}$", "2.5", r"$\frac{5}{2}$", "5/2", r"$2 \frac12$", r"$1$", r"\boxed{2\frac{1}{2}}"]),
    (r"-1\frac{3}{4}", ["-1.75", r"$-\frac{7}{4}$", r"$-1\frac{3}{4}$", r"$\frac{1}{4}$"]),
    # roots, pi, powers
    (r"2\sqrt{2}", [r"$\sqrt{8}$", r"$2\sqrt{2}$", r"$2\sqrt2$", r"$2 \cdot \sqrt{2}$", r"$2\sqrt{3}$", r"\boxed{2\sqrt{2}}", r"$\frac{4}{\sqrt{2}}$", r"$2^{3/2}$", r"$2^{\frac{3}{2}}$", r"$8^{1/2}$", r"$\sqrt{2}$", "2.828427"]),
    (r"\frac{\sqrt{3}}{2}", [r"$\frac{\sqrt{3}}{2}$", r"$\frac{\sqrt3}{2}$", r"$\frac{1}{2}\sqrt{3}$", r"$\sqrt{\frac{3}{4}}$", r"$\frac{\sqrt{3}}{3}$", r"$\sin \frac{\pi}{3}$", r"$\cos\left(\frac{\pi}{6}\right)$", r"$\frac{3}{2\sqrt{3}}$", "0.866025"]),
    (r"1+\sqrt{5}", [r"$1+\sqrt{5}$", r"$\sqrt{5}+1$", r"$\sqrt5 + 1$", r"$1-\sqrt{5}$", r"$\frac{4}{\sqrt{5}-1}$", "3.236068"]),
    (r"\sqrt[3]{2}", [r"$2^{1/3}$", r"$\sqrt[3]{2}$", r"$2^{\frac13}$", r"$\sqrt{2}$", r"$\sqrt[3]{3}$"]),
    (r"12\pi", [r"$12\pi$", r"$12 \pi$", r"$\pi \cdot 12$", r"$24\pi/2$", "37.699112", "12", r"\boxed{12\pi}", r"$12\pi \text{ cm}$", r"$10\pi$"]),
    (r"\frac{\pi}{4}", [r"$\frac{\pi}{4}$", r"$\frac{1}{4}\pi$", r"$\pi/4$", r"$\arctan 1$", "0.785398", r"$\frac{\pi}{3}$", r"$0.25\pi$"]),
    ("e", [r"$e$", r"$e^1$", "2.718282", r"$\exp(1)$", r"$e^2$"]),
    (r"e^2", [r"$e^2$", r"$e^{2}$", r"$e \cdot e$", r"$2e$"]),
    (r"\ln 2", [r"$\ln 2$", r"$\ln(2)$", r"$\log 2$", r"$\frac{1}{2}\ln 4$", r"$\ln 3$"]),
    ("3", [r"$\log_2 8$", r"$\log_{2}{8}$", r"$\log_{10} 1000$", r"$\sqrt{9}$", r"$\frac{9}{3}$", r"$x=3$", "x = 3", r"\boxed{x=3}", r"$y = 3$", r"$3x$", r"\boxed{\frac{2}{3}}",
           r"$\frac{2}{3}$", r"\boxed{3}.", r"\fbox{3}", r"The values are \boxed{2} and then \boxed{3}", r"\boxed{3, 4}", r"$\{3\}$", r"First $4$, then $3$.", r"$5 - 2$"]),
    (r"3 \times 10^5", [r"$3 \times 10^5$", "300000", r"$3\cdot 10^{5}$", "300,000", r"$3 \times 10^{4}$", "3e5"]),
    (r"1.5 \times 10^{-3}", ["0.0015", r"$1.5 \times 10^{-3}$", r"$\frac{3}{2000}$", r"$1.5 \times 10^{3}$"]),
    (r"\frac{1}{2}", ["0.5", "50%", "1/2", r"$\frac{1}{2}$", r"$\sin 30$", r"$\cos \frac{\pi}{3}$", r"$2^{-1}$", ".5", "2", r"$1 - \frac12$", r"$\frac{\frac{1}{2}}{1}$"]),
    # boxes
    (r"\boxed{\frac{a}{b}}", [r"$\frac{a}{b}$", r"$a/b$", r"$\frac{b}{a}$", r"\boxed{\dfrac{a}{b}}"]),
    (r"We get $x = 4$, so the area is $\boxed{16}$.", ["16", r"\boxed{16}", "4", r"$\boxed{4^2}$"]),
    (r"\boxed{x^{2}+1}", [r"$x^2+1$", r"$1+x^2$", r"$x^2-1$", r"\boxed{1 + x^2}"]),
    # polynomials and rational functions
    (r"x^2+2x+1", [r"$x^2+2x+1$", r"$1+2x+x^2$", r"$(x+1)^2$", r"$x^2+2x-1$", r"$2x+x^2+1$", r"$(1+x)(1+x)$", r"$y^2+2y+1$", r"$x^2 + 2x + 1 = 0$"]),
    (r"(x-2)(x+3)", [r"$x^2+x-6$", r"$(x+3)(x-2)$", r"$x^2-x-6$", r"\boxed{(x - 2)(x + 3)}"]),
    (r"3x^2y", [r"$3x^2y$", r"$3yx^2$", r"$3 x^{2} y$", r"$3xy^2$", r"$x \cdot 3xy$"]),
    (r"\frac{x+1}{x-1}", [r"$\frac{x+1}{x-1}$", r"$\frac{1+x}{x-1}$", r"$\frac{-x-1}{1-x}$", r"$\frac{x-1}{x+1}$", r"$1+\frac{2}{x-1}$"]),
    (r"2a-3b", [r"$2a-3b$", r"$-3b+2a$", r"$3b-2a$", r"$2a - 3 b$"]),
    (r"\frac{1}{x}", [r"$x^{-1}$", r"$\frac{1}{x}$", r"$1/x$", r"$x$"]),
    (r"\sin^2 x", [r"$\sin^2 x$", r"$(\sin x)^2$", r"$1-\cos^2 x$", r"$\cos^2 x$", r"$\sin^2(x)$"]),
    (r"2\sin x\cos x", [r"$\sin(2x)$", r"$\sin 2x$", r"$2\cos x \sin x$", r"$\cos 2x$"]),
    (r"x_1 + x_2", [r"$x_1+x_2$", r"$x_2+x_1$", r"$x_{1}+x_{2}$", r"$x_1+x_3$"]),
    (r"n(n+1)/2", [r"$\frac{n(n+1)}{2}$", r"$\frac{n^2+n}{2}$", r"$\frac{1}{2}n(n+1)$", r"$n(n+1)$"]),
    (r"2^{n+1}-1", [r"$2^{n+1}-1$", r"$2 \cdot 2^n - 1$", r"$2^n-1$"]),
    (r"\sqrt{x^2+y^2}", [r"$\sqrt{x^2+y^2}$", r"$\sqrt{y^2+x^2}$", r"$(x^2+y^2)^{1/2}$", r"$x+y$"]),
    (r"\frac{\alpha+\beta}{2}", [r"$\frac{\alpha+\beta}{2}$", r"$\frac{\beta+\alpha}{2}$", r"$\frac{\alpha-\beta}{2}$"]),
    # tuples, intervals, sets
    ("(1,2)", [r"$(1,2)$", r"$(5,2)$", r"\boxed{(1,2)}", r"$(1, 2)$", r"$\left(1,2\right)$", r"$(2,1)$", r"$[1,2]$", r"$(1,3)$", r"\boxed{(1, 2)}", r"$1,2$", r"$\{1,2\}$", r"$(1.0, 2.0)$"]),
    ("(3,-2)", [r"$(3,-2)$", r"$(-2,3)$", r"$\left( 3, -2 \right)$", r"$(3,2)$", r"\boxed{(3, -2)}"]),
    ("(1,2,3)", [r"$(1,2,3)$", r"$(1, 2, 3)$", r"$(3,2,1)$", r"$(1,2)$", r"$(1,2,4)$", r"\boxed{(1,2,3)}", r"$1,2,3$"]),
    (r"\left(\frac{1}{2}, \frac{3}{4}\right)", [r"$(0.5, 0.75)$", r"$\left(\frac12, \frac34\right)$", r"$(1/2, 3/4)$", r"$\left(\frac{3}{4},\frac{1}{2}\right)$"]),
    ("[0,1)", [r"$[0,1)$", r"$[0, 1)$", r"$[0,1]$", r"$(0,1)$", r"$\left[0,1\right)$", r"\boxed{[0,1)}", r"$0 \le x < 1$"]),
    (r"(-\infty, 3]", [r"$(-\infty, 3]$", r"$(-\infty,3)$", r"$\left(-\infty, 3\right]$", r"$(-\infty,4]$", r"$(-\infty, 3.0]$"]),
    (r"(-\infty,-1)\cup(1,\infty)", [r"$(-\infty,-1)\cup(1,\infty)$", r"$(-\infty, -1) \cup (1, \infty)$", r"$(-\infty,-1]\cup[1,\infty)$", r"$(1,\infty)\cup(-\infty,-1)$", r"$(-\infty,-1)$"]),
    (r"[-2,2]", [r"$[-2,2]$", r"$[-2, 2]$", r"$(-2,2)$", r"$[2,-2]$", r"\boxed{[-2,2]}"]),
    (r"\{1,2,3\}", [r"$\{1,2,3\}$", r"$\{3,2,1\}$", r"$\{1, 2, 3\}$", r"$\{1,2\}$", r"$1,2,3$", r"\boxed{\{1,2,3\}}", r"$\{1,2,4\}$", r"$\{1,1,2,3\}$", r"$\lbrace 1,2,3 \rbrace$", r"$\left\{1,2,3\right\}$"]),
    (r"\emptyset", [r"$\emptyset$", r"$\varnothing$", r"$\{0\}$", r"$\{\}$"]),
    (r"\mathbb{R}", [r"$\mathbb{R}$", r"$(-\infty,\infty)$", r"$(0,\infty)$"]),
    ("1,2", [r"$1,2$", r"$2,1$", r"$1$ and $2$", r"$1, 2$", r"$x=1$ or $x=2$", r"\boxed{1, 2}", r"\boxed{1} and \boxed{2}", r"$\{1,2\}$", r"$1,3$", r"$x = 1, 2$", r"\boxed{1 \text{ and } 2}", r"\boxed{2}", r"$1 \text{ or } 2$"]),
    ("-3, 5", [r"$-3,5$", r"$5,-3$", r"$x=-3$ and $x=5$", r"$3,5$", r"\boxed{x = -3, x = 5}", r"\boxed{-3,5}"]),
    (r"\pm 3", [r"$\pm 3$", r"$3,-3$", r"$x=\pm 3$", r"$3$", r"$-3, 3$", r"\boxed{\pm 3}"]),
    (r"2 \pm \sqrt{3}", [r"$2 \pm \sqrt{3}$", r"$2+\sqrt{3}, 2-\sqrt{3}$", r"$2-\sqrt3, 2+\sqrt3$", r"$2+\sqrt{3}$", r"$1 \pm \sqrt{3}$"]),
    (r"\frac{1}{2}, \frac{1}{3}", [r"$\frac12, \frac13$", r"$\frac{1}{3}, \frac{1}{2}$", r"$0.5, \frac{1}{3}$", r"$\frac12, \frac14$"]),
    ("A,B,C", [r"$A,B,C$", r"$A, B, C$", r"$C,B,A$", r"$A,B$", r"\boxed{A, B, C}"]),
    # equations and inequalities
    ("x = 3", [r"$x = 3$", r"$x=3$", "3", r"\boxed{3}", r"\boxed{x=3}", r"$x=4$", r"$y=3$", r"$3=x$", r"$2x=6$", r"\boxed{x = 3.0}", r"$x = 1 + 2 = 3$"]),
    ("y = 2x + 1", [r"$y=2x+1$", r"$y = 1 + 2x$", r"$2x+1$", r"$y=2x-1$", r"$2x - y + 1 = 0$", r"\boxed{y = 2x+1}", r"$y-2x=1$"]),
    ("2x + 3y = 6", [r"$2x+3y=6$", r"$3y+2x=6$", r"$4x+6y=12$", r"$2x+3y-6=0$", r"$2x+3y=7$", r"$2x-3y=6$"]),
    (r"x^2+y^2=25", [r"$x^2+y^2=25$", r"$y^2+x^2=25$", r"$x^2+y^2-25=0$", r"$x^2+y^2=5$"]),
    ("x > 3", [r"$x > 3$", r"$x>3$", r"$3 < x$", r"$x \ge 3$", r"$x<3$", r"$(3,\infty)$", r"$x>4$"]),
    (r"x \leq -2", [r"$x \le -2$", r"$x\leq-2$", r"$-2 \geq x$", r"$x<-2$", r"$(-\infty,-2]$"]),
    ("1 < x < 2", [r"$1<x<2$", r"$1 < x < 2$", r"$(1,2)$", r"$1 \le x \le 2$", r"$x>1$", r"$[1,2]$"]),
    (r"f(x) = x^2", [r"$f(x)=x^2$", r"$x^2$", r"$f(x) = x^3$"]),
    (r"x \in [1,2]", [r"$[1,2]$", r"$x \in [1,2]$", r"$x \in [1,3]$"]),
    # matrices and vectors
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", [r"$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$", r"$\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}$", r"$\begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}$",
                                                       r"$\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}$", r"\boxed{\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}}", r"$\begin{pmatrix} 1 \\ 2 \end{pmatrix}$"]),
    (r"\begin{pmatrix} \frac{1}{2} \\ -3 \end{pmatrix}", [r"$\begin{pmatrix} 0.5 \\ -3 \end{pmatrix}$", r"$\begin{pmatrix} 1/2 \\ -3 \end{pmatrix}$", r"$\begin{pmatrix} 1/2 \\ 3 \end{pmatrix}$", r"$\begin{pmatrix} 1/2 & -3 \end{pmatrix}$"]),
    # complex numbers
    ("3+4i", [r"$3+4i$", r"$4i+3$", r"$3-4i$", r"\boxed{3 + 4i}"]),
    (r"-i", [r"$-i$", r"$i$", r"\boxed{-i}"]),
    # words and choices
    (r"\text{Monday}", [r"\boxed{\text{Monday}}", r"\boxed{Monday}", r"\boxed{monday}", r"$\text{Tuesday}$", r"\boxed{\text{Tuesday}}"]),
    (r"\text{(C)}", [r"\boxed{C}", r"\boxed{\text{C}}", r"\boxed{(C)}", r"\boxed{D}", r"\boxed{\text{(C)}}", r"\boxed{\textbf{(C)}}"]),
    ("C", [r"\boxed{C}", r"\boxed{\text{C}}", r"\boxed{A}", r"$C$", r"\boxed{\textbf{(C)}}"]),
    (r"\text{even}", [r"\boxed{\text{even}}", r"\boxed{\text{odd}}", r"\boxed{even}"]),
    # spacing, sizes, fonts
    (r"\dfrac{5}{6}", [r"$\frac{5}{6}$", r"$\frac 56$", r"$\displaystyle\frac{5}{6}$", r"$5/6$", r"$\frac{5}{\,6}$", r"$\frac{10}{12}$", r"$\frac{6}{5}$"]),
    (r"10\,000", [r"$10000$", "10,000"]),
    (r"4\!\cdot\!5", ["20", r"$4 \cdot 5$", r"$5\cdot4$"]),
    (r"\left( \frac{3}{5} \right)^2", [r"$\frac{9}{25}$", "0.36", r"$(3/5)^2$", r"$\frac{3}{5}^2$"]),
    (r"7:3", [r"$7:3$", r"$\frac{7}{3}$", r"$3:7$", "7:3"]),
    # how answers end
    ("42", ["After some work, we find that 6 * 7 = 42.", "Answer: 42", "answer is 42", "The final answer is 42.", "The final answer is $42$. I hope it is correct.",
            "41 or 42", "42 apples and 5 pears", "I think it is forty-two", "", r"The answer is \(42\).", r"\[ 42 \]", r"\[ x = 42 \]", r"Answer: $\boxed{42}$", r"The answer is: **42**",
            "So, the total is **42**.", "The answer is 42, not 43.", "Step 1: 6. Step 2: 7. Therefore, $6 \\times 7 = 42$.", r"$$42$$", r"$$ x = 42 $$", "x=42", r"\boxed{42", "= 42"]),
    ("7/10", ["7/10", "The probability is 7/10.", r"$\frac{7}{10}$", "0.7", "70%", "10", r"\boxed{\frac{7}{10}}", "7"]),
    ("5", ["5 apples", "There are 5 students left.", "5.0", "She has 5 left, out of 12.", r"$5x$", r"\boxed{5 \text{ apples}}", r"\boxed{5\text{ hours}}", "5%", r"$5^1$", "05"]),
    # more of the same kinds, written after the check was
    (r"\frac{9}{7}", [r"$\frac{9}{7}$", r"We have $x=\frac{9}{7}$.", r"\boxed{1\frac{2}{7}}", r"$9/7$ hours", r"1.285714", r"The ratio is 9/7"]),
    (r"6", [r"Since $2x = 12$, $x = 6$.", r"so there are $6$ such values: $1,2,3$", r"\[\boxed{6}\]", r"6 cm", r"$\boxed{6\text{ units}}$", r"$6 \text{ cm}$.", r"six", r"**Answer:** 6", r"Answer: $6", "The answer is\n\n6", r"Therefore, $x = \boxed{6}$ and $y = 7$.", r"6.00", r"$6.0001$", r"\boxed{06}"]),
    (r"\left(-\infty, \frac{1}{2}\right)", [r"$(-\infty, 0.5)$", r"$x < \frac{1}{2}$", r"$\left(-\infty,\frac12\right)$", r"\boxed{(-\infty,\tfrac{1}{2})}", r"$(-\infty,1/2]$"]),
    (r"5\sqrt{13}", [r"$5\sqrt{13}$", r"$\sqrt{325}$", r"18.027756", r"\boxed{5 \sqrt{13}\text{ miles}}", r"$13\sqrt5$"]),
    (r"\frac{\sqrt{2}}{2}", [r"$\frac{1}{\sqrt{2}}$", r"$\frac{\sqrt2}2$", r"$\sqrt{\frac12}$", r"$\sqrt{0.5}$", r"$\frac{\sqrt{3}}{2}$", r"0.707107"]),
    (r"4x^3 - 2x + 7", [r"$4x^3-2x+7$", r"$7 - 2x + 4x^{3}$", r"$4x^3-2x+8$", r"\boxed{f(x) = 4x^3 - 2x + 7}", r"$2x(2x^2-1)+7$"]),
    (r"-\frac{1}{2}", [r"$-0.5$", r"-1/2", r"$-\frac12$", r"\boxed{-\frac{1}{2}}", r"$\frac{1}{-2}$", r"$-2^{-1}$"]),
    (r"\$1,250", [r"$1,250", r"1250", r"\boxed{\$1250}", r"\boxed{1,250 \text{ dollars}}", r"$1{,}250$", r"1.250", r"He pays $1,250.00 in total."]),
    (r"y = -3x + 2", [r"$y=-3x+2$", r"$y=2-3x$", r"$3x+y=2$", r"\boxed{y=-3x+2}", r"$-3x+2$", r"$y = 3x+2$"]),
    (r"\{-1, 0, 1\}", [r"$\{-1,0,1\}$", r"$-1, 0, 1$", r"$\{0, \pm 1\}$", r"\boxed{-1,0,1}", r"$x\in\{-1,0,1\}$"]),
    (r"[1, \infty)", [r"$[1,\infty)$", r"$x \ge 1$", r"$[1, +\infty)$", r"$(1,\infty)$", r"\boxed{[1,\infty)}"]),
    (r"(2, -1, 4)", [r"$(2,-1,4)$", r"\boxed{(2, -1, 4)}", r"$(2,-1,-4)$", r"$x=2, y=-1, z=4$"]),
    (r"120^\circ", [r"$120^\circ$", r"120°", r"$120$", r"\boxed{120^{\circ}}", r"$\frac{2\pi}{3}$", r"120 degrees."]),
    (r"\frac{4}{3}\pi r^3", [r"$\frac{4}{3}\pi r^3$", r"$\frac{4\pi r^3}{3}$", r"$4/3 \pi r^3$", r"$\frac{3}{4}\pi r^3$"]),
    (r"36\pi \text{ cm}^3", [r"$36\pi$", r"$36\pi\text{ cm}^3$", r"113.097336", r"$36\pi\ \mathrm{cm}^3$", r"\boxed{36 \pi}"]),
    (r"2^{100}", [r"$2^{100}$", r"1267650600228229401496703205376", r"$4^{50}$", r"$2^{101}$"]),
    (r"n!", [r"$n!$", r"$n(n-1)!$", r"$(n+1)!$"]),
    (r"\frac{n(n-1)}{2}", [r"$\binom{n}{2}$", r"$\frac{n^2-n}{2}$", r"$\frac{n(n+1)}{2}$"]),
    (r"3:4", [r"$3:4$", r"3:4", r"$\frac34$", r"0.75", r"$3 : 4$"]),
    (r"\log_{3} 5", [r"$\log_3 5$", r"$\frac{\ln 5}{\ln 3}$", r"$\log_5 3$"]),
    (r"a^2 - b^2", [r"$(a-b)(a+b)$", r"$a^2-b^2$", r"$(a-b)^2$", r"$-b^2+a^2$"]),
    (r"0.\overline{3}", [r"$0.\overline{3}$", r"$\frac13$"]),
    (r"1.23", [r"1.23", r"$1.23$", r"$\frac{123}{100}$", r"1,23", r"1.230"]),
    (r"10:30", [r"10:30", r"$10:30$"]),
    (r"\text{Yes}", [r"\boxed{\text{Yes}}", r"\boxed{yes}", r"Yes", r"\boxed{No}"]),
    (r"\text{June 3}", [r"\boxed{\text{June 3}}", r"\boxed{\text{June 4}}"]),
    (r"B", [r"\boxed{B}", r"The answer is B", r"\boxed{\text{(B)}}", r"\boxed{\mathrm{B}}"]),
    (r"x=\frac{-1\pm\sqrt{5}}{2}", [r"$x=\frac{-1\pm\sqrt{5}}{2}$", r"$\frac{-1+\sqrt5}{2}, \frac{-1-\sqrt5}{2}$"]),
    (r"\frac{-1 + \sqrt{5}}{2}", [r"$\frac{\sqrt5-1}{2}$", r"$\frac{-1+\sqrt{5}}{2}$", r"0.618034", r"$\frac{1+\sqrt5}{2}$"]),
    (r"1 + i", [r"$1+i$", r"$i+1$", r"\boxed{1+i}", r"$1-i$"]),
    (r"e^{i\pi}", [r"$-1$", r"$e^{i\pi}$"]),
    (r"6+9i", [r"$6+9i$", r"$9i + 6$", r"$3(2+3i)$", r"$6-9i$"]),
    (r"x \in (-2, 3)", [r"$(-2,3)$", r"$-2<x<3$", r"$x\in(-2,3)$"]),
    (r"(-1,0) \cup (0,1)", [r"$(-1,0)\cup(0,1)$", r"$(-1,1)$", r"$(0,1) \cup (-1,0)$"]),
    (r"\begin{pmatrix} 4 \\ -2 \\ 1 \end{pmatrix}", [r"$\begin{pmatrix} 4 \\ -2 \\ 1 \end{pmatrix}$", r"\boxed{\begin{pmatrix}4\\-2\\1\end{pmatrix}}", r"$\begin{bmatrix} 4 \\ -2 \\ 0 \end{bmatrix}$", r"$\left(\begin{array}{c}4\\-2\\1\end{array}\right)$"]),
    (r"7.5", [r"7.5", r"$7\frac{1}{2}$", r"$\frac{15}{2}$", r"7.50 dollars", r"$7.5\%$"]),
    (r"100", [r"100%", r"$10^2$", r"one hundred", r"\boxed{100}$", r"1e2", r"100,", r"= 100", r"100!"]),
    (r"\frac{2}{x+1}", [r"$\frac{2}{x+1}$", r"$\frac{2}{1+x}$", r"$2(x+1)^{-1}$", r"$\frac{4}{2x+2}$", r"$\frac{2}{x-1}$"]),
    (r"\sin x + \cos x", [r"$\cos x+\sin x$", r"$\sqrt{2}\sin(x+\frac{\pi}{4})$", r"$\sin x - \cos x$"]),
    (r"\tan^{-1} 2", [r"$\arctan 2$", r"$\tan^{-1}(2)$", r"$\arctan 3$"]),
    (r"|x-1|", [r"$|x-1|$", r"$|1-x|$", r"$x-1$", r"$\left|x-1\right|$"]),
    (r"\sqrt{x}", [r"$\sqrt{x}$", r"$x^{1/2}$", r"$x^{0.5}$", r"$x^2$"]),
    (r"1 \le x \le 5", [r"$1\le x\le5$", r"$[1,5]$", r"$1 \leq x \leq 5$", r"$5\ge x\ge1$"]),
    (r"x<1 \text{ or } x>3", [r"$x<1 \text{ or } x>3$", r"$(-\infty,1)\cup(3,\infty)$", r"$x>3$ or $x<1$"]),
    (r"p - q", [r"$p-q$", r"$-q+p$", r"$q-p$", r"\boxed{p - q}"]),
    (r"AB", [r"$AB$", r"$BA$", r"\boxed{AB}"]),
    (r"\frac{3}{8}", [r"37.5%", r"$\frac{3}{8}$", r"3/8", r"0.375", r"The probability is $\frac{3}{8}$, or 37.5%.", r"$\frac38\approx 0.375$"]),
    (r"864 \mbox{ inches}^2", [r"864", r"$864 \mbox{ inches}^2$", r"\boxed{864}"]),
    (r"5x - 7y + 11z + 4 = 0", [r"$5x-7y+11z+4=0$", r"$10x-14y+22z+8=0$", r"$5x-7y+11z=-4$", r"$5x-7y+11z-4=0$"]),
    (r"11111_2", [r"$11111_2$", r"$31$", r"\boxed{11111_2}"]),
    (r"\frac{11+9a}{20}", [r"$\frac{9a+11}{20}$", r"$\frac{11}{20}+\frac{9a}{20}$", r"$0.55+0.45a$"]),
    (r"(5,\infty)", [r"$(5,\infty)$", r"$x>5$", r"$(5, +\infty)$", r"\boxed{(5, \infty)}"]),
    (r"2k+2", [r"$2k+2$", r"$2(k+1)$", r"\boxed{2k+2}", r"$2k$"]),
    (r"1,-2", [r"$1,-2$", r"$-2,1$", r"\boxed{1,-2}", r"$x=1$, $x=-2$", r"$1$ and $-2$", r"\boxed{x=1 \text{ or } x=-2}"]),
    (r"\text{odd}", [r"\boxed{\text{odd}}", r"$odd$", r"\boxed{\text{even}}"]),
    (r"14", [r"\begin{align*} x &= 14 \end{align*}", r"$x=14$ inches", r"There are 14, and 3 left", r"14 (fourteen)", r"(14)", r"14/1", r"\boxed{14.}", r"$14.$", r"\(14\)", r"\boxed{ 14 }", r"\boxed{14} \boxed{14}"]),
]


def reference(text):
    return parse(text if any(m in text for m in ("$", "\\boxed", "####")) and "\\$" not in text else f"${text}$")


rows = []
for gold, answers in PAIRS:
    wanted = reference(gold)
    for answer in answers:
        rows.append([gold, answer, verify(wanted, parse(answer))])
lines = ",\n".join(json.dumps(row) for row in rows)
pathlib.Path(__file__).with_name("math.json").write_text(f"[\n{lines}\n]\n")
print(len(rows), sum(r[2] for r in rows))
