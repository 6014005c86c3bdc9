"""Questions in lessons, with numbers drawn for each reader, and judged by the engine."""

from playground.questions.judging import Asked, Verdict, ask
from playground.questions.reading import Question, QuestionError, read_questions

__all__ = ["Asked", "Question", "QuestionError", "Verdict", "ask", "read_questions"]
