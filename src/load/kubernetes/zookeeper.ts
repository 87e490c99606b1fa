import { parseAddress } from '../../core/endpoint.ts';
import type { Deed, Proof } from '../cluster.ts';
import { askZooKeeper } from './four-letters.ts';
import { pods, statefulSets } from './objects.ts';
import type { PodLife } from './pod-life.ts';
import { replicasOf, type Site } from './site.ts';

/** How long members may take to end, and the others to agree on a new leader, ms. */
const endPatience = 60_000;
const electionPatience = 60_000;
/** How long a deleted member may take to end by itself, s: 0 would let Kubernetes forget it before it has ended. */
const grace = 1;

/** Deletes the member that leads. */
export async function killLeader(site: Site): Promise<Deed> {
  const leader = await findLeader(site);
  if (leader === undefined) throw new Error('no member of ZooKeeper says that it leads');
  const at = site.now();
  const gone = await deleteMembers(site, [leader]);
  const next = await waitForLeader(site);
  const then = next === undefined ? 'nobody did' : `${next.name} did`;
  const what = `${leader.name} led; then ${then}`;
  return { at, servers: [], proof: [...gone, { what, holds: next !== undefined }] };
}

/** Deletes all members at once. */
export async function killAll(site: Site): Promise<Deed> {
  const at = site.now();
  const proof = await deleteMembers(site, site.population.present('zookeeper'));
  return { at, servers: [], proof: [...proof, ...(await unreadable(site, at))] };
}

/** Lets there be no member at all for so many ms. */
export async function takeAway(site: Site, ms: number): Promise<Deed> {
  const { changes, population, release, clock, signal } = site;
  const name = release.zookeeper!;
  const members = replicasOf(site.zookeeper!);
  const at = site.now();
  const present = () => population.all('zookeeper').filter(({ removedAt }) => removedAt === undefined);
  await changes.make(statefulSets, name, { replicas: 0 });
  await site.until(
    () => present().length === 0,
    endPatience,
    () => `${present().length} members of ZooKeeper have not ended`,
  );
  await clock.sleep(ms, signal);
  const until = site.now();
  const still = present().length === 0;
  const proof = await unreadable(site, at);
  await changes.undo(statefulSets, name);
  await site.until(
    () => replicasOf(site.zookeeper!) === members,
    endPatience,
    () => `${name} was not put back`,
  );
  const what = `no pod of ${name} was there for ${ms / 1000} s`;
  return { at, until, servers: [], proof: [{ what, holds: still }, ...proof] };
}

async function deleteMembers(site: Site, victims: readonly PodLife[]): Promise<Proof[]> {
  await Promise.all(victims.map(({ name }) => site.api.remove(pods, name, { seconds: grace })));
  return Promise.all(
    victims.map((life) =>
      site.proof(`${life.name} was deleted, with ${grace} s to end`, () => life.removedAt !== undefined, endPatience),
    ),
  );
}

/** That those who read the registry felt it. */
async function unreadable({ registry }: Site, since: number): Promise<Proof[]> {
  if (registry === undefined) return [];
  return [{ what: 'the registry could not be read meanwhile', holds: registry.wasUnreadable(since) }];
}

async function waitForLeader(site: Site): Promise<PodLife | undefined> {
  const deadline = site.clock.now() + electionPatience;
  for (;;) {
    const leader = await findLeader(site);
    if (leader !== undefined || site.clock.now() >= deadline) return leader;
    await site.clock.sleep(200, site.signal);
  }
}

async function findLeader({ population, clock }: Site): Promise<PodLife | undefined> {
  const members = population.present('zookeeper').filter(({ stoppedAt }) => stoppedAt === undefined);
  const answers = await Promise.all(
    members.map(async (life) => {
      const where = life.at('client');
      return where === undefined ? undefined : askZooKeeper(clock, parseAddress(where), 'srvr');
    }),
  );
  return members.find((_, index) => /^Mode: leader$/m.test(answers[index] ?? ''));
}
