import { connectWith } from './connect.ts';

/**
 * Room for five attempts within the deadline of a call. In the shipped order of the middlewares the breaker is inside of the
 * timeout, and sees none; its author advises this order (moleculerjs/moleculer#1202).
 */
export const connect = connectWith((deadline) => ({
  requestTimeout: deadline / 5,
  internalMiddlewares: false,
  middlewares: [
    'ActionHook',
    'Validator',
    'Bulkhead',
    'Cacher',
    'ContextTracker',
    'Timeout',
    'CircuitBreaker',
    'Retry',
    'Fallback',
    'ErrorHandler',
    'Tracing',
    'Metrics',
    'Debounce',
    'Throttle',
  ],
}));
