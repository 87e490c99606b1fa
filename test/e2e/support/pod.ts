/** Pods, as much of them as tests look at. */
export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec: { nodeName?: string };
  status: {
    phase: string;
    podIP?: string;
    startTime?: string;
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  /** Its startup probe has passed. */
  started?: boolean;
  state: { terminated?: Terminated };
  lastState: { terminated?: Terminated };
}

interface Terminated {
  exitCode: number;
  signal?: number;
  reason: string;
  /** ISO 8601. */
  startedAt: string;
  finishedAt: string;
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** How often containers of the pod were started again. */
export function restarts({ status }: Pod): number {
  return (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
}
