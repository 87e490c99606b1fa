/** Objects of Kubernetes as their JSON is, as far as they matter here. What may be missing from any is optional. */

export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  creationTimestamp?: string;
  /** It was told to go. */
  deletionTimestamp?: string;
  ownerReferences?: readonly { kind: string; name: string; controller?: boolean }[];
}

export interface KubeObject {
  metadata: Metadata;
}

export interface Condition {
  type: string;
  /** `True`, `False`, `Unknown` */
  status: string;
  reason?: string;
  message?: string;
}

export interface Container {
  name: string;
  image: string;
  ports?: readonly { name?: string; containerPort: number }[];
  env?: readonly { name: string; value?: string }[];
  resources?: { limits?: Readonly<Record<string, string>>; requests?: Readonly<Record<string, string>> };
}

export interface PodSpec {
  nodeName?: string;
  shareProcessNamespace?: boolean;
  containers: readonly Container[];
  initContainers?: readonly Container[];
}

export interface ContainerEnd {
  exitCode: number;
  reason?: string;
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  imageID?: string;
  state?: { terminated?: ContainerEnd; waiting?: { reason?: string; message?: string } };
  lastState?: { terminated?: ContainerEnd };
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: {
    phase?: string;
    reason?: string;
    podIP?: string;
    conditions?: readonly Condition[];
    containerStatuses?: readonly ContainerStatus[];
  };
}

export interface Workload extends KubeObject {
  spec: {
    replicas?: number;
    selector: { matchLabels?: Readonly<Record<string, string>> };
    template: { metadata?: { labels?: Readonly<Record<string, string>> }; spec: PodSpec };
    /** Of StatefulSets. */
    persistentVolumeClaimRetentionPolicy?: { whenScaled?: string };
  };
  status?: {
    observedGeneration?: number;
    /** Pods that are not told to go, of whatever version. */
    replicas?: number;
    readyReplicas?: number;
    updatedReplicas?: number;
    conditions?: readonly Condition[];
  };
}

export interface Autoscaler extends KubeObject {
  spec: {
    scaleTargetRef: { kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
    metrics?: readonly {
      type: string;
      resource?: { name: string; target: { averageUtilization?: number; averageValue?: string } };
    }[];
  };
  status?: {
    desiredReplicas?: number;
    currentReplicas?: number;
    conditions?: readonly Condition[];
  };
}

export interface Service extends KubeObject {
  spec: {
    clusterIP?: string;
    ports?: readonly { name?: string; port: number }[];
    selector?: Readonly<Record<string, string>>;
  };
}

export interface EndpointSlice extends KubeObject {
  /** Null in an empty one. */
  endpoints?: readonly SliceEndpoint[] | null;
}

export interface SliceEndpoint {
  /** What is not said: ready, and not terminating. */
  conditions?: { ready?: boolean; terminating?: boolean };
  /** The pod behind it. */
  targetRef?: { uid?: string };
}

export interface DisruptionBudget extends KubeObject {
  spec: { selector?: { matchLabels?: Readonly<Record<string, string>>; matchExpressions?: readonly unknown[] } };
  status?: { disruptionsAllowed: number; currentHealthy: number; expectedPods: number };
}

export interface Node extends KubeObject {
  spec: { unschedulable?: boolean; taints?: readonly { key: string; effect: string }[] };
  status?: {
    conditions?: readonly Condition[];
    allocatable?: Readonly<Record<string, string>>;
    capacity?: Readonly<Record<string, string>>;
    nodeInfo?: {
      osImage?: string;
      kernelVersion?: string;
      containerRuntimeVersion?: string;
      kubeletVersion?: string;
      architecture?: string;
    };
  };
}

/** A kind of objects, and where the API has them. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** Empty: the core group. */
  group: string;
  version: string;
  /** As in URLs and rights: `deployments`. */
  plural: string;
  /** Of no namespace. */
  clusterWide?: boolean;
  /** Never there: it carries the type of the objects. */
  readonly of?: T;
}

export const deployments: Kind<Workload> = { group: 'apps', version: 'v1', plural: 'deployments' };
export const statefulSets: Kind<Workload> = { group: 'apps', version: 'v1', plural: 'statefulsets' };
export const pods: Kind<Pod> = { group: '', version: 'v1', plural: 'pods' };
export const services: Kind<Service> = { group: '', version: 'v1', plural: 'services' };
export const endpointSlices: Kind<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
};
export const nodes: Kind<Node> = { group: '', version: 'v1', plural: 'nodes', clusterWide: true };
export const autoscalers: Kind<Autoscaler> = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
};
export const disruptionBudgets: Kind<DisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
};

/** Labels that the chart gives to all that it makes. */
export const labels = {
  release: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
} as const;

/** Of all that the chart makes for a release. In a chart of others the siblings are of the same release, and may have servers, too. */
export function selectorOf(release: string): string {
  return `${labels.partOf}=evenkeel,${labels.release}=${release}`;
}

/** Label that Kubernetes gives to EndpointSlices: the name of their Service. */
export const serviceLabel = 'kubernetes.io/service-name';
