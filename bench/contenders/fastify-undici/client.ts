import { Pool } from 'undici';
import { type Connect, type Echo, host } from '../../contender.ts';

/** HTTP/1.1 answers one request at a time on a connection: there are as many connections as calls in flight. */
export const connect: Connect = async (port, inFlight) => {
  const pool = new Pool(`http://${host}:${port}`, { connections: inFlight, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  return {
    connections: inFlight,
    call: async (input) => {
      const reply = await pool.request({ method: 'POST', path: '/echo', headers, body: JSON.stringify(input) });
      return (await reply.body.json()) as Echo;
    },
    close: () => pool.close(),
  };
};
