import { rounds } from './rounds.ts';
import { killPrimaries, killServers, killWorkers, serverFaults } from './server-faults.ts';

serverFaults('servers that are killed under 300 calls a second', [
  ['kill -9 of a whole server', killServers, rounds(20)],
  ['kill -9 of a primary alone', killPrimaries, rounds(20)],
  ['kill -9 of one worker', killWorkers, rounds(20)],
]);
