"""The messages of questions: what the session replies when a page asks a question and gives an answer.

docs/reference/playground-protocol.md describes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from playground.experiment import Experiment
from playground.inspector import Which
from playground.messages import Fields, RefusedError
from playground.questions.judging import Asked, ask
from playground.questions.network import Network
from playground.questions.reading import QuestionError, read_question

TEXT, GIVEN, RECORDS = 20_000, 3000, 5  # the most characters, and the largest number of records
READERS, PAGES, ATTEMPTS = 2**31 - 1, 1000, 100_000


def seed_of(reader: int, page: int, attempt: int) -> int:
    """The seed of a reader's question. It differs between pages and attempts."""
    return (reader + 7919 * page + 104_729 * attempt) % 2**31


def asked(given: Fields) -> dict[str, Any]:
    """The reply to a message `ask`."""
    is_teacher, question = given.flag("teacher", False), _asked(given)
    given.end()
    return {
        "is": "asked",
        "kind": question.question.kind,
        "text": question.text,
        "options": question.options,
        "hints": question.hints,
        "stages": len(question.question.stages),
        "configuration": question.configuration,
        "solution": question.solution() if is_teacher else None,
    }


def judged(given: Fields, experiment: Experiment, example: Which) -> dict[str, Any]:
    """The reply to a message `judge`, without the fields that the protocol calls MOMENT."""
    question = _asked(given)
    text, records = given.text("given", GIVEN, ""), given.list("records", 0, RECORDS, [])
    given.end()
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            given.refuse(f"records[{index}]", "must be a record of an earlier reply")
    if example["of"] != "training":
        example = {"of": "training", "index": 0}
    verdict = question.judge(text, Network(experiment, example), records)
    return {"is": "judged", "right": verdict.is_right, "text": verdict.text, "target": verdict.target, "records": list(verdict.records)}


def _asked(given: Fields) -> Asked:
    """The question of a message, with its numbers."""
    text, configuration = given.text("question", TEXT), given.any("configuration")
    seed = seed_of(given.whole("reader", 0, READERS, 0), given.whole("page", 0, PAGES, 0), given.whole("attempt", 0, ATTEMPTS, 0))
    if configuration is not None and not isinstance(configuration, dict):
        given.refuse("configuration", "must be null or an object with settings")
    try:
        return _known(text, seed, json.dumps(configuration))
    except QuestionError as error:
        raise RefusedError(str(error), "question") from None


@lru_cache(64)
def _known(text: str, seed: int, configuration: str) -> Asked:
    settings: Mapping[str, Any] | None = json.loads(configuration)
    return ask(read_question(text), seed, settings, checks=False)  # it takes long, and lessons are checked when they are read
