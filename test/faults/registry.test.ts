import { registryFaults } from './registry-faults.ts';
import { rounds } from './rounds.ts';
import { realZooKeeper } from './zookeepers.ts';

registryFaults('the registry under 300 calls a second', realZooKeeper, rounds(60) * 1_000);
