"""Questions in lessons, with numbers drawn for each reader, and judged by the engine."""

from playground.questions.answering import asked, judged, seed_of
from playground.questions.judging import Asked, Verdict, ask
from playground.questions.reading import Question, QuestionError, read_question, read_rows

__all__ = ["Asked", "Question", "QuestionError", "Verdict", "ask", "asked", "judged", "read_question", "read_rows", "seed_of"]
