import type { Step } from '../scenario.ts';
import { type Facts, openNodes, rights } from './facts.ts';
import { inWords, type Right } from './rights.ts';
import { replicasOf, type Site } from './site.ts';

/** Why a step cannot be played on this release, a sentence; undefined if it can. */
export function refusalOf(step: Step, site: Site, facts: Facts): string | undefined {
  const needs = (...wanted: readonly Right[]) => lacking(site, facts, wanted);
  switch (step.do) {
    case 'baseline':
      return undefined;
    case 'scale':
      return scaling(step.to, site) ?? needs(...rightsToScale(site));
    case 'hpa':
      return autoscaling(step.to, site, facts);
    case 'rolling':
      return needs(rights.patchServers);
    case 'gateway':
      return needs(rights.patchGateways);
    case 'kill':
    case 'freeze':
      return sharing(site) ?? needs(rights.exec, rights.execBySocket);
    case 'drain':
      return (
        needs(rights.listNodes, rights.getNodes, rights.patchNodes, rights.evict, rights.listBudgets) ??
        draining(site, facts)
      );
    case 'zookeeper-leader':
      return ownZooKeeper(site) ?? following(site) ?? needs(rights.deleteMembers);
    case 'zookeeper-all':
      return ownZooKeeper(site) ?? needs(rights.deleteMembers);
    case 'zookeeper-away':
      return ownZooKeeper(site) ?? keeping(site) ?? needs(rights.getStatefulSets, rights.patchStatefulSets);
  }
}

/** What it takes to have another number of servers. */
export function rightsToScale({ autoscaler }: Site): readonly Right[] {
  const own = [rights.getServers, rights.patchServers];
  return autoscaler === undefined ? own : [...own, rights.getAutoscalers, rights.patchAutoscalers];
}

/** Which of these rights are missing, as a sentence. */
export function lacking({ api }: Site, { missing }: Facts, wanted: readonly Right[]): string | undefined {
  const lacks = wanted.filter((right) => missing.has(right)).map((right) => inWords(api, right));
  if (lacks.length === 0) return undefined;
  return `the load test may not ${lacks.join(', nor ')}: its service account (in a pod) or user needs a role that allows it`;
}

function scaling(to: number, { autoscaler }: Site): string | undefined {
  if (to > 0 || autoscaler === undefined) return undefined;
  return `the autoscaler ${autoscaler.metadata.name} keeps at least 1 server`;
}

function autoscaling(to: number, { autoscaler, release }: Site, { metrics }: Facts): string | undefined {
  if (autoscaler === undefined) {
    return `there is no autoscaler for ${release.server}: install the release with server.autoscaling.enabled=true`;
  }
  const { minReplicas = 1, maxReplicas, metrics: by = [] } = autoscaler.spec;
  if (to < minReplicas || to > maxReplicas) {
    return `the autoscaler ${autoscaler.metadata.name} keeps ${minReplicas} to ${maxReplicas} servers, never ${to}`;
  }
  if (!metrics && by.some(({ type }) => type === 'Resource' || type === 'ContainerResource')) {
    return 'nobody measures what pods use, so the autoscaler is blind: install metrics-server';
  }
  return undefined;
}

function sharing(site: Site): string | undefined {
  if (site.deployment('server').spec.template.spec.shareProcessNamespace === true) return undefined;
  const what = `nobody but Kubernetes reaches the processes of ${site.release.server}`;
  return `${what}: install the release with server.shareProcessNamespace=true (and loadtest.faults=true, for the chart's own load test)`;
}

function draining({ ownNode, release }: Site, facts: Facts): string | undefined {
  const open = openNodes(facts).map(({ metadata }) => metadata.name);
  if (open.length < 2) return `pods may be put on ${open.length} node only, and those of a drained one need another`;
  if (open.every((name) => name === ownNode)) return 'there is no node but the one that the load test runs on';
  if (facts.forbidding.length > 0) {
    const budgets = facts.forbidding.map(
      ({ budget, component }) => `the disruption budget ${budget} lets no pod of ${release[component]} go`,
    );
    return `${budgets.join(', and ')}, even now that all are ready`;
  }
  return undefined;
}

function ownZooKeeper({ zookeeper, release }: Site): string | undefined {
  if (zookeeper !== undefined) return undefined;
  return `the release ${release.name} has no ZooKeeper of its own`;
}

/** It is taken away by having no members for a time, and back they come with what was in their volumes. */
function keeping({ zookeeper }: Site): string | undefined {
  if (zookeeper?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return undefined;
  return 'the volumes of ZooKeeper go with its members (zookeeper.persistence.whenScaled=Delete), and all that is kept in them: set it to Retain';
}

function following({ zookeeper }: Site): string | undefined {
  if (zookeeper !== undefined && replicasOf(zookeeper) >= 2) return undefined;
  return 'ZooKeeper has one member, so there is no leader whom others could replace: use zookeeper-all, or install the release with zookeeper.replicaCount=3';
}
