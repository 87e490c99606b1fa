/** What a classic client by hand says and hears. */
import assert from 'node:assert/strict';
import { classic, type RawPeer } from './raw-peer.ts';

export const ask = (params: unknown, method = 'echo') => classic({ in: method, params });
export const results = (peer: RawPeer) => peer.messages.map(({ result }) => result);
export const errorCode = (message: { out?: string; result?: unknown } | undefined) => {
  assert.equal(message?.out, 'error', JSON.stringify(message));
  return (message.result as { code: string }).code;
};
