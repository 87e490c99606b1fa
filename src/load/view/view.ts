import { type Clock, every, type Timer } from '../../core/clock.ts';
import type { Moment } from '../conductor.ts';
import { time } from '../report/words.ts';
import type { Scenario } from '../scenario.ts';
import { eventLine, frame, statusLine } from './frame.ts';
import { ViewModel } from './model.ts';
import { colours, type Paint, plain } from './paint.ts';
import { type Output, Screen } from './screen.ts';

export interface View {
  readonly paint: Paint;
  /** A line that stays. */
  say(line: string): void;
  /** Shows what happens until `close`. */
  follow(scenario: Scenario, title: string): Followed;
}

export interface Followed {
  tell(moment: Moment): void;
  /** The last frame stays. */
  close(): void;
}

const redraw = 200;
const statusPeriod = 5000;

/** A view that redraws itself on a terminal, and writes plain lines to anything else and in CI. */
export function view(output: Output, clock: Clock, env: Readonly<Record<string, string | undefined>>): View {
  const live = output.isTTY === true && !env.CI && env.TERM !== 'dumb';
  const paint = live && !env.NO_COLOR ? colours : plain;
  return {
    paint,
    say: (line) => output.write(`${line}\n`),
    follow: (scenario, title) =>
      live ? onScreen(output, clock, paint, scenario, title) : inLines(output, clock, scenario),
  };
}

function onScreen(output: Output, clock: Clock, paint: Paint, scenario: Scenario, title: string): Followed {
  const model = new ViewModel(scenario);
  const screen = new Screen(output);
  const draw = () => screen.draw(frame(model.snapshot(clock.wallTime()), title, paint));
  const timer = every(clock, redraw, draw);
  return {
    tell: (moment) => model.tell(moment),
    close() {
      timer.cancel();
      draw();
      screen.close();
    },
  };
}

function inLines(output: Output, clock: Clock, scenario: Scenario): Followed {
  const model = new ViewModel(scenario);
  let timer: Timer | undefined;
  const say = (line: string) => {
    const { elapsed = 0 } = model.snapshot(clock.wallTime());
    output.write(`${time(Math.max(0, elapsed)).padStart(7)}  ${line}\n`);
  };
  return {
    tell(moment) {
      model.tell(moment);
      if (moment.kind === 'load-begins') {
        say('the load begins');
        timer = every(clock, statusPeriod, () => say(statusLine(model.snapshot(clock.wallTime()))));
      } else if (moment.kind === 'event-begins') say(`▶ ${moment.name}`);
      else if (moment.kind === 'event-ends') {
        const { name, settledAt, at, problem } = moment.event;
        say(eventLine(name, settledAt, at, problem, plain));
      }
    },
    close: () => timer?.cancel(),
  };
}
