"""Private helpers that every package may import: files, garbage collection, HTML, masked arrays, whole numbers, missing packages."""

from autograd._support.files import replacing
from autograd._support.garbage import garbage_collection_paused
from autograd._support.html import framed, html_table, html_text
from autograd._support.masks import refuse_masked
from autograd._support.other_autograd import warn_of_other_autograd
from autograd._support.packages import missing
from autograd._support.whole_numbers import check_whole, is_whole

__all__ = [
    "check_whole",
    "framed",
    "garbage_collection_paused",
    "html_table",
    "html_text",
    "is_whole",
    "missing",
    "refuse_masked",
    "replacing",
    "warn_of_other_autograd",
]
