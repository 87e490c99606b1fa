import { connectWith, tuned } from './connect.ts';

/** Four attempts, as gRFC A6 has them. DEADLINE_EXCEEDED is not among the codes: when it comes there is no time left. */
export const connect = connectWith(
  tuned({
    retryPolicy: {
      maxAttempts: 4,
      initialBackoff: '0.05s',
      maxBackoff: '0.5s',
      backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE', 'CANCELLED', 'ABORTED', 'INTERNAL', 'UNKNOWN', 'RESOURCE_EXHAUSTED'],
    },
  }),
);
