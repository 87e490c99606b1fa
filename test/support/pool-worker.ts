/** A worker process that behaves as its argument says, for tests of the pool. It speaks the pool's language by hand. */
import { systemClock } from '../../src/core/clock.ts';
import type { ToPrimary, ToWorker } from '../../src/server/prefork/messages.ts';

const behaviour = process.argv[2];
const tell = (message: ToPrimary) => process.send!(message, () => {});
const ready = () => tell({ say: 'ready', service: 'test' });

process.on('message', (message: ToWorker) => {
  if (behaviour === 'deaf') return;
  if (message.say === 'report') {
    const report = { connections: 0, inFlight: 0, load: { inFlight: 0, queued: 0 }, metrics: process.pid };
    tell({ say: 'report', id: message.id, report });
  }
  if (message.say === 'finish') process.exit(0);
});

switch (behaviour) {
  case 'ready':
  case 'deaf':
    ready();
    break;
  case 'fail':
    process.send!({ say: 'failed', message: 'no luck today' } satisfies ToPrimary, () => process.exit(1));
    break;
  case 'exit':
    process.exit(3);
    break;
  case 'slow':
    // Its start takes for ever.
    break;
  case 'crash':
    process.send!({ say: 'ready', service: 'test' } satisfies ToPrimary, () => process.exit(4));
    break;
  case 'leave':
    process.send!({ say: 'ready', service: 'test' } satisfies ToPrimary, () => process.disconnect?.());
    // Lives on without its primary, until it is killed.
    await systemClock.sleep(600_000);
    break;
}
