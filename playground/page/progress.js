/** The reader's answers, kept in this browser. Where a browser keeps nothing, as in some notebooks, they last as long as the page. */

const KEY = "nudge-lessons";
let last = null;

/** What is kept: `reader`, a random number from which the numbers in questions are drawn, the reader's `name`, and `answers` by `lesson/page`. */
function read() {
  try {
    last = JSON.parse(localStorage.getItem(KEY)) ?? last;
  } catch { /* no storage, or damaged: keep what there is */ }
  if (!Number.isInteger(last?.reader) || typeof last.answers !== "object") last = {reader: crypto.getRandomValues(new Uint32Array(1))[0] >>> 1, name: "", answers: {}};
  return last;
}

function write(kept) {
  last = kept;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch { /* no storage, or it is full */ }
}

export const reader = () => {
  const kept = read();
  write(kept);
  return kept.reader;
};

/**
 * The reader's last answer on a page of a lesson, {attempt, given, tries, hints, right, records, best}; tries are 0 before the first answer. `best` is
 * null, or the last right answer, {attempt, given, right, records}, which counts although the reader gave another answer since, or went on to other numbers.
 */
export const answerOf = (lesson, page) => read().answers[`${lesson}/${page}`] ?? {attempt: 0, given: "", tries: 0, hints: 0, right: false, records: [], best: null};

export const isRight = (lesson, page) => {
  const {right, best} = answerOf(lesson, page);
  return right || Boolean(best);
};

/** Change an answer. */
export function note(lesson, page, changes) {
  const kept = read();
  kept.answers[`${lesson}/${page}`] = {...answerOf(lesson, page), ...changes};
  write(kept);
}

/** Keep an answer that was judged. An earlier right one still counts. The reader may have asked for other numbers meanwhile. */
export function answered(lesson, page, {attempt, given, right, records}) {
  const now = answerOf(lesson, page), isCurrent = attempt === now.attempt;
  note(lesson, page, {tries: now.tries + 1, best: right ? {attempt, given, right, records} : rightOf(now), ...(isCurrent ? {given, right, records} : {})});
}

/** Ask for other numbers. */
export function renew(lesson, page) {
  const before = answerOf(lesson, page);
  note(lesson, page, {attempt: before.attempt + 1, given: "", right: false, records: [], best: rightOf(before)});
}

const rightOf = ({attempt, given, right, records, best}) => right ? {attempt, given, right, records} : best;

/** How many of a lesson's questions are answered right. */
export const rightIn = ({name, questions}) => questions.filter(page => isRight(name, page)).length;

export const nameOfReader = () => read().name;

export const setName = name => write({...read(), name});

/** The file to hand in: all answers, with what is needed to judge them again. */
export function handIn() {
  const {reader, name, answers} = read();
  const given = Object.entries(answers).filter(([, {tries}]) => tries).map(([key, {tries, hints, best, ...last}]) => {
    const [lesson, page] = key.split("/"), {attempt, given, right, records} = last.right ? last : best ?? last;
    return {lesson, page: Number(page), attempt, given, tries, hints, right, records};
  });
  return {nudge: "answers", version: 1, name, reader, answers: given};
}
