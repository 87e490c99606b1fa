import { z } from 'zod';
import { method, service } from '../../../src/index.ts';

const message = z.object({ id: z.number(), name: z.string(), tags: z.array(z.string()) });

export const echo = service('echo', { echo: method({ input: message, output: message, idempotent: true }) });
