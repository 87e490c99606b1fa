import { connectWith } from './connect.ts';

/** `requestTimeout` is the deadline of the call, as it reads. It holds for each attempt: a call that it ends is late already. */
export const connect = connectWith((deadline) => ({ requestTimeout: deadline }));
