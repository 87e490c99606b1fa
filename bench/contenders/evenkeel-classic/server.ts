/** One port speaks both protocols. */
export { listen } from '../evenkeel-framed/server.ts';
