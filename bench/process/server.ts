/** `server.ts NAME`: the server of a contender. Tells its port, then its CPU time whenever it is asked. Ends with its parent. */
import type { ContenderName, Listen } from '../contender.ts';

/** Microseconds of CPU time since the process began. */
export type FromServer = { port: number } | { cpu: number };

process.on('disconnect', () => process.exit());
const name = process.argv[2] as ContenderName;
const { listen } = (await import(`../contenders/${name}/server.ts`)) as { listen: Listen };
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send!({ cpu: user + system } satisfies FromServer);
});
process.send!({ port: await listen() } satisfies FromServer);
