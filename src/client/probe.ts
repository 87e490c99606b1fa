import { OutgoingCall } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { Connection } from '../transport/connection.ts';

/**
 * One call to one worker of one node, past balancer, retries and budget: does it work? `health` asks the service itself
 * (`ServiceModule.health`); a classic server, which need not have it, is asked for an answer at all. A user's call is never
 * used to find out. Resolves with what is wrong, or undefined; never rejects.
 */
export async function probe(
  connection: Pick<Connection, 'hello' | 'send'>,
  clock: Clock,
  timeout: number,
): Promise<string | undefined> {
  const { hello } = connection;
  const since = clock.now();
  const call = new OutgoingCall({
    service: hello?.service ?? '',
    method: hello === undefined ? 'ping' : 'health',
    input: null,
    since,
    deadline: since + timeout,
    repeatable: true,
  });
  const timer = clock.timer(timeout, () => {
    call.cancel(new RpcError('DEADLINE_EXCEEDED', `no answer within ${timeout} ms`, { stage: 'sent' }));
  });
  try {
    await connection.send(call, since);
    return undefined;
  } catch (thrown) {
    const error = RpcError.from(thrown);
    // A server without the method has answered: it serves.
    return error.code === 'UNIMPLEMENTED' ? undefined : `${error.label}: ${error.message}`;
  } finally {
    timer.cancel();
  }
}
