"""Identifiers: names of the user in C, changed only if C, its libraries or the programs use them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from autograd.vectorize.backends.native.mathematics import INCLUDES, definitions, names

_KEYWORDS = """
alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern false float for goto if
inline int long main nullptr register restrict return short signed sizeof static static_assert struct switch thread_local true
typedef typeof typeof_unqual union unsigned void volatile while i386 linux unix
"""
_OWN = "ALWAYS BLOCK UNROLL batch cost count out parameters start theta weights work"
_MATHEMATICS = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 expm1 fabs fadd fdim fdiv ffma
finite floor fma fmax fmaximum fmin fminimum fmod fmul fpclassify frexp fromfp fromfpx fsqrt fsub gamma getpayload hypot ilogb
isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal issignaling isunordered iszero j0 j1 jn
ldexp lgamma lgamma_r llogb llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter nextdown nexttoward
nextup pow pow10 remainder remquo rint round roundeven scalb scalbln scalbn setpayload setpayloadsig signbit signgam significand sin
sincos sinh sqrt tan tanh tgamma totalorder totalordermag trunc ufromfp ufromfpx y0 y1 yn canonicalize compoundn rsqrt rootn pown
powr acospi asinpi atanpi atan2pi cospi sinpi tanpi exp2m1 exp10m1 log2p1 log10p1 logp1 iscanonical issubnormal iseqsig fmaximum_num
fminimum_num fmaximum_mag fminimum_mag fmaxmag fminmag fmaximum_mag_num fminimum_mag_num
"""
_LIBRARY = """
basename bcmp bcopy bzero ffs ffsl ffsll index memccpy memchr memcmp memcpy memfrob memmem memmove mempcpy memrchr memset
memset_explicit explicit_bzero rawmemchr rindex stpcpy stpncpy strcasecmp strcasecmp_l strcasestr strcat strchr strchrnul strcmp
strcoll strcoll_l strcpy strcspn strdup strdupa strndupa strerror strerror_l strerror_r strerrorname_np strerrordesc_np strfry
strlcat strlcpy strlen strncasecmp strncasecmp_l strncat strncmp strncpy strndup strnlen strpbrk strrchr strsep strsignal strspn
strstr strtok strtok_r strverscmp strxfrm strxfrm_l sigabbrev_np sigdescr_np locale_t asprintf clearerr clearerr_unlocked ctermid
cuserid dprintf fclose fcloseall fdopen feof feof_unlocked ferror ferror_unlocked fflush fflush_unlocked fgetc fgetc_unlocked
fgetpos fgets fgets_unlocked fileno fileno_unlocked flockfile fmemopen fopen fopencookie fprintf fputc fputc_unlocked fputs
fputs_unlocked fread fread_unlocked freopen fscanf fseek fseeko fsetpos ftell ftello ftrylockfile funlockfile fwrite fwrite_unlocked
getc getc_unlocked getchar getchar_unlocked getdelim getline gets getw obstack_printf obstack_vprintf open_memstream pclose perror
popen printf putc putc_unlocked putchar putchar_unlocked puts putw remove rename renameat renameat2 rewind scanf setbuf setbuffer
setlinebuf setvbuf snprintf sprintf sscanf stderr stdin stdout tempnam tmpfile tmpnam tmpnam_r ungetc vasprintf vdprintf vfprintf
vfscanf vprintf vscanf vsnprintf vsprintf vsscanf L_ctermid L_tmpnam P_tmpdir lgammaf_r lgammal_r math_errhandling abort abs alloca
calloc exit free labs llabs malloc realloc environ errno
"""
_UNSAFE = re.compile(
    r"(?:a|columns|i)\d+|.*_rows|.*_turned\d*"  # arrays and indices of programs
    r"|_[A-Z_]\w*|.*_t|[A-Z][A-Z0-9_]*_[A-Z0-9_]*|[A-Z]{2,}"  # names that the C standard reserves, types and macros
)


def _words() -> frozenset[str]:
    found = {*f"{_KEYWORDS} {_OWN} {_LIBRARY}".split()}
    found |= {f"{name}{suffix}" for name in _MATHEMATICS.split() for suffix in ("", "f", "l")}
    texts = [Path(__file__).with_name(f"{name}.h").read_text() for name in ("loops", "tables", "columns", "descent")]
    for text in (INCLUDES, *texts, *(definitions(names(), np.dtype(kind)) for kind in ("f4", "f8"))):
        for match in re.findall(r"\b(\w+)\(|#define (\w+)|(?:typedef|static const) .*?(\w+)(?: =|;| __)", text):
            found.update(filter(None, match))
    return frozenset(found)


_RESERVED = _words()


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """A name without another meaning in C that is not taken: the given name, with underscores appended if necessary."""
    if name in _RESERVED or _UNSAFE.fullmatch(name):
        name = f"{name}_" if not name.startswith("_") else f"x{name}_"
    while name in taken:
        name += "_"
    return name
