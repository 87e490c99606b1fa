import type { Recording } from '../recording.ts';
import type { EventVerdict, Verdict } from '../verdict.ts';
import { colourCss } from './palette.ts';
import { style } from './style.ts';
import { columns, eventTitle } from './table.ts';
import { count, escapeHtml as e, none, time } from './words.ts';

/** The picture in two widths; the page shows the one that fits. */
export interface Pictures {
  wide: string;
  narrow: string;
}

/**
 * The whole report as one page that needs no network and no script.
 * @param pictures undefined where nothing could draw them
 */
export function html(recording: Recording, verdict: Verdict, pictures: Pictures | undefined): string {
  const title = `${verdict.ok ? 'Nothing was lost' : 'Not passed'}: ${recording.scenario.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>evenkeel: ${e(title)}</title>
<style>${colourCss()}${style}</style>
</head>
<body>
<main>
${banner(recording, verdict)}
${verdict.problems.length === 0 ? '' : problems(verdict)}
${tiles(verdict)}
<section>
<h2>What happened, and what callers felt of it</h2>
${verdict.events.length === 0 ? '<p>No event was played.</p>' : eventTable(verdict.events)}
</section>
<section>
<h2>The run over time</h2>
${pictures === undefined ? noPicture : figures(pictures)}
</section>
<section>
<h2>How this was judged</h2>
${method(recording)}
</section>
<section>
<h2>Where it ran</h2>
${environment(recording)}
</section>
</main>
</body>
</html>
`;
}

const noPicture =
  '<p class="note">There is no picture: that needs the package <code>echarts</code>, <code>npm install echarts</code>.</p>';

function figures({ wide, narrow }: Pictures): string {
  return `<p class="note">Numbered lines are the events of the table. The shaded time runs until callers saw exactly the wanted servers, all well.</p>
<figure class="wide">${wide}</figure>
<figure class="narrow">${narrow}</figure>`;
}

function banner({ scenario, began, ended }: Recording, { ok, headline }: Verdict): string {
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' }).format(began);
  return `<header class="${ok ? 'ok' : 'bad'}">
<div class="sign" aria-hidden="true">${ok ? '✔' : '✘'}</div>
<div>
<h1>${ok ? 'Nothing was lost' : 'Not passed'}</h1>
<p class="headline">${e(headline)}</p>
<p class="note">evenkeel · scenario ${e(scenario.name)} · ${e(when)} · ${time(ended - began)} of load</p>
</div>
</header>`;
}

function problems({ problems }: Verdict): string {
  const items = problems.map(({ event, what }) => `<li><b>${e(event)}</b>: ${e(what)}</li>`).join('\n');
  return `<section class="problems"><h2>Why not</h2><ul>${items}</ul></section>`;
}

function tiles({ total, p50, p99 }: Verdict): string {
  const tile = (value: string, name: string, bad = false) =>
    `<div class="tile${bad ? ' bad' : ''}"><b>${value}</b><span>${name}</span></div>`;
  return `<section class="tiles">
${tile(count(total.calls), 'calls')}
${tile(count(total.lost), 'lost', total.lost > 0)}
${tile(count(total.wrong), 'wrong answers', total.wrong > 0)}
${tile(count(total.doubled), 'run twice that must not', total.doubled > 0)}
${tile(count(total.retried), 'sent to servers again')}
${tile(count(total.unknown), 'unknown, and said so')}
${tile(time(p50), 'p50')}
${tile(time(p99), 'p99')}
</section>`;
}

function eventTable(events: readonly EventVerdict[]): string {
  const rows = events.map((verdict) => {
    const { event, ok, proof, problems } = verdict;
    const cells = columns.map(({ head, cell }) => [head, cell(verdict)] as const);
    const how = [...proof.map(({ what, holds }) => `${holds ? '' : 'NOT: '}${what}`), ...problems];
    return `<tr class="${ok ? 'ok' : 'bad'}">
<th scope="row"><span class="number">${event.index}</span> ${e(eventTitle(verdict))} <span class="mark">${ok ? '✔' : '✘'}</span></th>
${cells.map(([name, value]) => `<td data-name="${name}" class="${name === 'Lost' ? 'lost' : value === none ? 'none' : ''}">${value}</td>`).join('\n')}
</tr>
${how.length === 0 ? '' : `<tr class="how"><td colspan="${columns.length + 1}">${e(how.join(' · '))}</td></tr>`}`;
  });
  const heads = ['Event', ...columns.map(({ head }) => head)];
  return `<div class="scroll"><table>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div>`;
}

function method({ plan, generator, executions, scenario }: Recording): string {
  const { load } = scenario;
  const what =
    load.kind === 'proof'
      ? `${load.stages.map(({ rate }) => count(rate)).join(', then ')} calls a second were due, whatever became of those before (open model)`
      : `${load.users} users called without a pause (closed model)`;
  return `<p>${e(what)}, made by ${e(generator)} over HTTP through the gateway: pi(n) for n from ${plan.n} to ${plan.n + 6},
${plan.unsafe > 0 ? `${plan.unsafe * 100} % of them calls that must not run twice; ` : ''}${plan.deadline / 1000} s to answer.
Latency counts from the moment a call was due, not from when it was sent.</p>
<p><b>Lost</b> is every call whose caller did not get the right answer in time.
${
  executions === undefined
    ? 'The handlers wrote no books in this run, so only the callers’ half could be checked.'
    : 'It is found by comparing, id by id, what callers and handlers wrote to files before they went on, which outlive a killed process; no counter is trusted.'
}
<b>Unknown</b> are calls that must not run twice, were in flight on a server that died, ended in an error that said “it may have run”,
and ran at most once. <b>Disturbed</b> is how long the p99 stood above max(1.5 × before, before + 50 ms).</p>`;
}

function environment({ environment, generator }: Recording): string {
  const rows = Object.entries({ ...environment, load: generator }).map(
    ([name, value]) => `<dt>${e(name)}</dt><dd>${e(value)}</dd>`,
  );
  return `<dl>${rows.join('')}</dl>`;
}
