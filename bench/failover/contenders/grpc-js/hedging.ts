import { connectWith, tuned } from './connect.ts';

/** A service config has either retries or hedges. A hedge goes out after 200 ms, or at once after a failure of these codes. */
export const connect = connectWith(
  tuned({
    hedgingPolicy: {
      maxAttempts: 4,
      hedgingDelay: '0.2s',
      nonFatalStatusCodes: ['UNAVAILABLE', 'CANCELLED', 'ABORTED', 'INTERNAL', 'UNKNOWN', 'RESOURCE_EXHAUSTED'],
    },
  }),
);
