import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { type Echo, host, type Listen } from '../../contender.ts';

/** Fastify validates the body and serialises the answer by it, as its guide advises. */
const schema = {
  type: 'object',
  required: ['id', 'name', 'tags'],
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
  },
};

export const listen: Listen = async () => {
  const server = Fastify();
  server.post<{ Body: Echo }>(
    '/echo',
    { schema: { body: schema, response: { 200: schema } } },
    async ({ body }) => body,
  );
  await server.listen({ host, port: 0 });
  return (server.server.address() as AddressInfo).port;
};
