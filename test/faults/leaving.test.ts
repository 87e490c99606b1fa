import { rounds } from './rounds.ts';
import { freezeServers, roll, serverFaults, tellServersToGo } from './server-faults.ts';

serverFaults('servers that go and stand still under 300 calls a second', [
  ['SIGTERM', tellServersToGo, rounds(20)],
  ['a rolling update of all', roll, rounds(3)],
  ['frozen for five seconds', freezeServers, rounds(10)],
]);
