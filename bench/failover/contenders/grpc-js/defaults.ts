import { connectWith } from './connect.ts';

/** As it comes: pick_first, no retries but the transparent ones, no keepalive. */
export const connect = connectWith({});
