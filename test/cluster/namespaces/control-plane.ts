/** etcd and the control plane, on the first machine. */
import { join } from 'node:path';
import { succeeds } from '../run.ts';
import { startDaemon, waitForDaemons } from './daemon.ts';
import { kubectl } from './kubectl.ts';
import { type Layout, serviceRange } from './layout.ts';
import { inMachine } from './machine.ts';

/** Names of its daemons. */
export const controlPlane = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Resolves when the API answers. */
export async function startControlPlane(layout: Layout): Promise<void> {
  const inside = inMachine(layout, 1, 'whole');
  const program = (name: string) => join(layout.bin, name);
  const pki = (name: string) => join(layout.pki, name);
  await startDaemon(layout, 'etcd', [
    ...inside,
    program('etcd'),
    `--data-dir=${layout.etcd}`,
    // Nothing in here is worth waiting for a disk.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  await startDaemon(layout, 'kube-apiserver', [
    ...inside,
    program('kube-apiserver'),
    '--etcd-servers=http://127.0.0.1:2379',
    `--advertise-address=${layout.node(1).address}`,
    `--service-cluster-ip-range=${serviceRange}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('service-accounts.key')}`,
    `--service-account-signing-key-file=${pki('service-accounts.key')}`,
    `--kubelet-client-certificate=${pki('admin.crt')}`,
    `--kubelet-client-key=${pki('admin.key')}`,
    // A node's name is known to nobody's DNS.
    '--kubelet-preferred-address-types=InternalIP',
    // How metrics-server knows that a request has come by the API server.
    `--requestheader-client-ca-file=${pki('ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    '--enable-aggregator-routing=true',
  ]);
  const ready = () => succeeds(kubectl(layout, ['get', '--raw', '/readyz', '--request-timeout=5s']));
  const wait = { daemons: ['etcd', 'kube-apiserver'], what: 'the API server to be ready', deadline: 180_000 };
  await waitForDaemons(layout, wait, ready);
  const volumes = join(import.meta.dirname, 'volumes-process.ts');
  await startDaemon(layout, 'volumes', [...inside, process.execPath, volumes, layout.volumes]);
  await startDaemon(layout, 'kube-controller-manager', [
    ...inside,
    program('kube-controller-manager'),
    `--kubeconfig=${layout.kubeconfig}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--service-account-private-key-file=${pki('service-accounts.key')}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--enable-hostpath-provisioner=true',
    // Who tries an autoscaler or a dead node does not want to wait for minutes.
    '--horizontal-pod-autoscaler-sync-period=5s',
    '--node-monitor-period=2s',
    '--node-monitor-grace-period=20s',
  ]);
  await startDaemon(layout, 'kube-scheduler', [
    ...inside,
    program('kube-scheduler'),
    `--kubeconfig=${layout.kubeconfig}`,
    '--leader-elect=false',
  ]);
}
