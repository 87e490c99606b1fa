import type { Handler, OutgoingCall, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { neutral, outcomeOf } from '../policy/outcome.ts';
import { pushback } from '../policy/pushback.ts';
import type { Node } from './node.ts';
import type { Nodes } from './nodes.ts';

/** The innermost handler: picks a node, sends, and takes down what that showed of the node, once for each attempt. */
export function balance(nodes: Nodes, clock: Clock): Handler {
  const send = (call: OutgoingCall, now: number): Promise<Reply> => {
    // What is cancelled before it is sent must not be sent: it would run, and its caller was told that it did not.
    if (call.cancelled !== undefined) {
      return Promise.reject(call.cancelled.with({ stage: 'unsent', mayHaveExecuted: false }));
    }
    const node = nodes.pick(call.tried, now, call.hashKey);
    if (node === undefined) return nodes.wait(call).then(() => send(call, clock.now()));
    call.node = node.id;
    call.sentAt = now;
    const connection = node.links.least();
    const answer = connection.send(call, now);
    nodes.began(node, now);
    return answer.then(
      (reply) => {
        nodes.succeeded(node, now, reply.at ?? clock.now());
        reply.node = node.id;
        return reply;
      },
      (thrown) => {
        // A worker that is silent while others answer is, like one that is lost, no fault of the node.
        const heartbeatOverdue = connection.heartbeatOverdue && !node.links.alive;
        throw failed(nodes, node, call, RpcError.from(thrown), heartbeatOverdue, clock.now());
      },
    );
  };
  return (call) => send(call as OutgoingCall, call.since);
}

function failed(
  nodes: Nodes,
  node: Node,
  call: OutgoingCall,
  error: RpcError,
  heartbeatOverdue: boolean,
  now: number,
): RpcError {
  const startedAt = call.sentAt!;
  let outcome = outcomeOf(error, { waited: now - startedAt, heartbeatOverdue, timeout: call.deadline - startedAt });
  // One worker's connection is lost while others answer: that is no fault of the node.
  if (outcome.kind === 'fault' && outcome.cause === 'lost' && node.links.redundant) outcome = neutral;
  const answered = error.stage === 'answered' || error.stage === 'refused';
  nodes.ended(node, { outcome, answered, startedAt, now, attempt: `${call.method}: ${error.message}` });
  const sparing = pushback(error);
  if (sparing > 0) nodes.spare(node, now + sparing);
  return error.with({ attempts: [{ node: node.id, outcome: error.label, duration: now - startedAt }] });
}
