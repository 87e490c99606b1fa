import { registryFaults } from './registry-faults.ts';
import { rounds } from './rounds.ts';
import { embeddedZooKeeper } from './zookeepers.ts';

registryFaults('the embedded registry under 300 calls a second', embeddedZooKeeper, rounds(20) * 1_000);
