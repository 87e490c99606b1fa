import type { Handler, OutgoingCall, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { outcomeOf } from '../policy/outcome.ts';
import type { Node } from './node.ts';
import type { Nodes } from './nodes.ts';

/** The innermost handler: picks a node, sends, and takes down what that showed of the node, once for each attempt. */
export function balance(nodes: Nodes, clock: Clock): Handler {
  const send = (call: OutgoingCall, now: number): Promise<Reply> => {
    // What is cancelled before it is sent must not be sent: it would run, and its caller was told that it did not.
    if (call.cancelled !== undefined) {
      return Promise.reject(call.cancelled.with({ stage: 'unsent', mayHaveExecuted: false }));
    }
    const node = nodes.pick(call.tried);
    if (node === undefined) return nodes.wait(call).then(() => send(call, clock.now()));
    call.node = node.id;
    call.sentAt = now;
    const connection = node.links.least();
    return connection.send(call, now).then(
      (reply) => {
        nodes.succeed(node);
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
  const since = call.sentAt!;
  const outcome = outcomeOf(error, { waited: now - since, heartbeatOverdue, timeout: call.deadline - since });
  if (outcome.kind === 'success') nodes.succeed(node);
  // One worker's connection is lost while others answer: that is no fault of the node.
  if (outcome.kind === 'fault' && !(outcome.cause === 'lost' && node.live)) {
    nodes.fault(node, outcome.cause, since, `${call.method}: ${error.message}`);
  }
  return error.with({ attempts: [{ node: node.id, outcome: error.label, duration: now - since }] });
}
