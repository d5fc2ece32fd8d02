// SPDX-License-Identifier: Apache-2.0
// What must hold of an answer, whatever has happened meanwhile.
import { textOf } from "./api.mjs";

const lastSecondMs = 1000; // that the journal may lack of an answer whose daemon was killed

/**
 * Complaints. `asked` is {question, stoppedAt, stops}: when the visitor has clicked Stop, if they have; `stored` the database's
 * turns of the conversation, `tabs` the turns that each tab shows, `runs` what the API has sent to the question, `kills` when
 * the daemon was killed.
 */
export function complaintsOf({ asked, stored, tabs, runs, kills }) {
  const turns = stored.filter(({ question }) => question === asked.question);
  if (turns.length !== 1) return [`the database has ${turns.length} turns of the question`];
  if (runs.length > 1 + kills.length) return [`the API was asked ${runs.length} times, at ${runs.map(({ pieces, endedAt }) => `${pieces[0]?.at} to ${endedAt}`)}`];
  const [turn] = turns;
  return [
    ...complaintsOfHistory(turn, stored, runs),
    ...complaintsOfCause(turn, asked, runs, kills),
    ...complaintsOfText(turn, asked, runs, kills),
    ...tabs.flatMap((tab, index) => complaintsOfTab(turn, tab, index)),
  ];
}

// The API got the turns before that have answers, as the database has them.
function complaintsOfHistory(turn, stored, runs) {
  const before = stored.slice(0, stored.indexOf(turn)).filter(({ answer }) => answer !== "");
  const history = JSON.stringify([...before.flatMap(({ question, answer }) => [question, answer]), turn.question]);
  const others = runs.map(({ messages }) => JSON.stringify(messages.map(({ content }) => content))).filter((sent) => sent !== history);
  return others.map((sent) => `the API got another history: ${difference(sent, history)}`);
}

function complaintsOfCause({ cause }, { stoppedAt }, runs, kills) {
  const possible = ["completed", ...(stoppedAt ? ["stopped"] : []), ...(kills.length > 0 ? ["cut"] : [])];
  if (!possible.includes(cause)) return [`it ended with ${cause}`];
  if (cause === "completed" && stoppedAt && runs.every(({ isWhole }) => !isWhole)) return ["it is complete, although the API was stopped"];
  return [];
}

function complaintsOfText({ answer, cause }, { stoppedAt }, runs, kills) {
  if (runs.length === 0) return answer === "" ? [] : ["the API was never asked"];
  const matching = runs.filter((run) => (cause === "completed" ? textOf(run) === answer : textOf(run).startsWith(answer)));
  if (matching.length === 0) return [`the database's text is not the API's: ${difference(answer, textOf(runs.at(-1)))}`];
  const mustHave = (run) => textOf(run, (cause === "stopped" ? stoppedAt : Math.max(...kills.filter((kill) => kill <= run.endedAt + lastSecondMs))) - lastSecondMs);
  if (cause !== "completed" && !matching.some((run) => answer.startsWith(mustHave(run)))) {
    return [`the database has ${answer.length} characters of ${cause} answers of ${matching.map((run) => `${mustHave(run).length} a second before`).join()}`];
  }
  return [];
}

function complaintsOfTab({ question, answer, cause }, tab, index) {
  const shown = tab.filter((turn) => turn.question === question);
  if (shown.length !== 1) return [`tab ${index} has ${shown.length} turns of the question`];
  const [{ shown: text, copied, rendered, note, alarm }] = shown;
  const complaints = [];
  if (copied !== answer) complaints.push(`tab ${index} has another text: ${difference(copied, answer)}`);
  if (text !== rendered) complaints.push(`tab ${index} shows another text: ${difference(text, rendered)}`);
  const fits = { completed: note !== null && alarm === null && !/^Stopped/.test(note), stopped: /^Stopped/.test(note), cut: /^The server failed/.test(alarm) }[cause];
  if (!fits) complaints.push(`tab ${index} says "${note ?? ""}" and "${alarm ?? ""}" of an answer that is ${cause}`);
  return complaints;
}

function difference(one, other) {
  let at = 0;
  while (at < one.length && one[at] === other[at]) ++at;
  const part = (text) => JSON.stringify(text.slice(Math.max(at - 10, 0), at + 30));
  return `${one.length} and ${other.length} characters, which differ at ${at}: ${part(one)} and ${part(other)}`;
}

/** Of all reports: one of a request has one id, whenever and however often it came, and always the same body. */
export function complaintsOfReports(reports) {
  const complaints = [];
  const idsByRequest = new Map();
  const bodies = new Map();
  for (const { id, body, report } of reports) {
    const request = `${report.answer_id} of ${report.started_at}`;
    if ((idsByRequest.get(request) ?? id) !== id) complaints.push(`${request} was reported as ${idsByRequest.get(request)} and as ${id}`);
    idsByRequest.set(request, id);
    if ((bodies.get(id) ?? body) !== body) complaints.push(`${id} came with two bodies: ${difference(body, bodies.get(id))}`);
    bodies.set(id, body);
  }
  return complaints;
}
