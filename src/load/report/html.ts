import type { Capacity } from '../capacity.ts';
import type { Recording } from '../recording.ts';
import type { EventVerdict, Verdict } from '../verdict.ts';
import { figures, noPictureHtml, page } from './page.ts';
import type { Pictures } from './picture.ts';
import {
  type Column,
  capacityColumns,
  columns,
  eventTitle,
  remarks,
  scalingWords,
  sign,
  title,
  usageColumns,
  usageWords,
} from './table.ts';
import { count, escapeHtml as e, none, time } from './words.ts';

export interface ReportPictures {
  run: Pictures | undefined;
  /** Throughput against servers, if the load asked for it. */
  scaling: Pictures | undefined;
}

/**
 * The whole report as one page that needs no network and no script.
 * @param pictures undefined in it where nothing could draw them
 */
export function html(recording: Recording, verdict: Verdict, pictures: ReportPictures): string {
  const { capacity, events, unplayed, usage } = verdict;
  return page(
    `${title(verdict)}: ${recording.scenario.name}`,
    `${banner(recording, verdict)}
${verdict.problems.length === 0 ? '' : problems(verdict)}
${tiles(verdict)}
${capacity === undefined ? '' : scaling(capacity, pictures.scaling)}
<section>
<h2>What happened, and what callers felt of it</h2>
${events.length + unplayed.length === 0 ? '<p>No event was played.</p>' : eventTable(verdict)}
</section>
<section>
<h2>The run over time</h2>
${pictures.run === undefined ? noPictureHtml : timelineNote(recording, events) + figures(pictures.run)}
</section>
${usage.length === 0 ? '' : `<section>\n<h2>What pods took</h2>\n<p class="note">${e(usageWords)}</p>\n${plainTable(usageColumns, usage, ' named')}\n</section>`}
<section>
<h2>How this was judged</h2>
${method(recording)}
${verdict.notes.map((note) => `<p>Note: ${e(note)}.</p>`).join('\n')}
</section>
<section>
<h2>Where it ran</h2>
${environment(recording)}
</section>`,
  );
}

function timelineNote({ states }: Recording, events: readonly EventVerdict[]): string {
  const idle = events.some(({ event }) => event.step.do === 'baseline' || event.step.do === 'hpa');
  const published = states.some(({ published }) => published !== undefined);
  return `<p class="note">Numbered lines are the events of the table${idle ? '; a ring is one in which nothing was done' : ''}. The shaded time runs until callers saw exactly the wanted servers, all well.${published ? ' Published are those that EndpointSlices of Kubernetes name as ready.' : ''}</p>
`;
}

function scaling(capacity: Capacity, pictures: Pictures | undefined): string {
  return `<section>
<h2>How throughput followed the servers</h2>
<p>${e(scalingWords(capacity))}</p>
${pictures === undefined ? '' : figures(pictures)}
${plainTable(capacityColumns, capacity.points)}
</section>`;
}

function plainTable<T>(columns: readonly Column<T>[], rows: readonly T[], more = ''): string {
  const body = rows.map((row) => `<tr>${columns.map(({ cell }) => `<td>${e(cell(row))}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table class="plain${more}">
<thead><tr>${columns.map(({ head }) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody>
</table></div>`;
}

function banner({ scenario, began, ended }: Recording, verdict: Verdict): string {
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' }).format(began);
  const look = { passed: 'ok', failed: 'bad', unfinished: 'unfinished' }[verdict.outcome];
  return `<header class="${look}">
<div class="sign" aria-hidden="true">${sign(verdict)}</div>
<div>
<h1>${title(verdict)}</h1>
<p class="headline">${e(verdict.headline)}</p>
<p class="note">evenkeel · scenario ${e(scenario.name)} · ${e(when)} · ${time(ended - began)} of load</p>
</div>
</header>`;
}

function problems({ problems, outcome }: Verdict): string {
  const items = problems.map(({ event, what }) => `<li><b>${e(event)}</b>: ${e(what)}</li>`).join('\n');
  return `<section class="problems ${outcome}"><h2>${outcome === 'unfinished' ? 'What is missing' : 'Why not'}</h2><ul>${items}</ul></section>`;
}

function tiles({ total, p50, p99 }: Verdict): string {
  const tile = (value: string, name: string, bad = false) =>
    `<div class="tile${bad ? ' bad' : ''}"><b>${value}</b><span>${name}</span></div>`;
  return `<section class="tiles">
${tile(count(total.calls), 'calls')}
${tile(count(total.lost), 'lost', total.lost > 0)}
${tile(count(total.wrong), 'wrong answers', total.wrong > 0)}
${tile(count(total.doubled), 'run twice that must not', total.doubled > 0)}
${total.unverified === 0 ? '' : tile(count(total.unverified), 'could not be verified', true)}
${tile(count(total.retried), 'sent to servers again')}
${tile(count(total.unknown), 'unknown, and said so')}
${tile(time(p50), 'p50')}
${tile(time(p99), 'p99')}
</section>`;
}

function eventTable({ events, unplayed }: Verdict): string {
  const rows = events.map((verdict) => {
    const { event, ok } = verdict;
    const cells = columns.map(({ head, cell }) => [head, cell(verdict)] as const);
    const how = remarks(verdict);
    return `<tr class="${ok ? 'ok' : 'bad'}">
<th scope="row"><span class="number">${event.index}</span> ${e(eventTitle(verdict))} <span class="mark">${ok ? '✔' : '✘'}</span></th>
${cells.map(([name, value]) => `<td data-name="${name}" class="${name === 'Lost' ? 'lost' : value === none ? 'none' : ''}">${value}</td>`).join('\n')}
</tr>
${how.length === 0 ? '' : `<tr class="how"><td colspan="${columns.length + 1}">${e(how.join(' · '))}</td></tr>`}`;
  });
  const unplayedRows = unplayed.map((name) => {
    const [index, ...words] = name.split(' ');
    return `<tr class="unplayed"><th scope="row"><span class="number">${index}</span> ${e(words.join(' '))}</th><td class="lost">not played</td><td colspan="${columns.length - 1}"></td></tr>`;
  });
  const heads = ['Event', ...columns.map(({ head }) => head)];
  return `<div class="scroll"><table class="events">
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${[...rows, ...unplayedRows].join('\n')}</tbody>
</table></div>`;
}

function method({ plan, generator, executions, scenario }: Recording): string {
  const { load } = scenario;
  const what =
    load.kind === 'proof'
      ? `${rates(load.stages)} calls a second were due, whatever became of those before (open model)`
      : `${load.users} users called without a pause (closed model)`;
  return `<p>${e(what)}, made by ${e(generator)} over HTTP through the gateway: pi(n) for n from ${plan.n} to ${plan.n + 6},
${plan.unsafe > 0 ? `${plan.unsafe * 100} % of them calls that must not run twice; ` : ''}${plan.deadline / 1000} s to answer.
Latency counts from the moment a call was due, not from when it was sent.</p>
<p><b>Lost</b> is every call whose caller did not get the right answer in time.
${
  executions === undefined
    ? 'The handlers wrote no books in this run, so only the callers’ half could be checked.'
    : 'It is found by comparing, id by id, what callers said with what handlers wrote to files before they went on, which outlive a killed process; no counter is trusted.'
}
<b>Unknown</b> are calls that must not run twice, were in flight on a server that died, ended in an error that said “it may have run”,
and ran at most once. <b>Unverified</b> are calls of which that is not known, because notes of handlers are missing. <b>Disturbed</b> is how long the p99 stood above max(1.5 × before, before + 50 ms).</p>`;
}

/** The rates one after the other, each once: a stage may go on with the rate of the one before. */
function rates(stages: readonly { rate: number }[]): string {
  const changes = stages.filter(({ rate }, index) => rate !== stages[index - 1]?.rate);
  return changes.map(({ rate }) => count(rate)).join(', then ');
}

function environment({ environment, generator }: Recording): string {
  const rows = Object.entries({ ...environment, load: generator }).map(
    ([name, value]) => `<dt>${e(name)}</dt><dd>${e(value)}</dd>`,
  );
  return `<dl>${rows.join('')}</dl>`;
}
