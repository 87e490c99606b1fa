/** Keys and certificates of the cluster, made once by openssl. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from '../run.ts';
import { type Credentials, kubeconfig } from './configs.ts';
import { apiServiceAddress, type Layout } from './layout.ts';

const days = '3650';

export async function ensurePki(layout: Layout): Promise<void> {
  if (existsSync(layout.pki)) return;
  const draft = `${layout.pki}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const openssl = (...args: string[]) => output(['openssl', ...args], { cwd: draft });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...ec,
    '-days',
    days,
    '-subj',
    '/CN=evenkeel-cluster',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  await openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', 'service-accounts.key');
  const certify = async (name: string, subject: string, alternatives = '') => {
    const names = alternatives === '' ? '' : `subjectAltName=${alternatives}\n`;
    const usage = 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n';
    await writeFile(join(draft, `${name}.ext`), `${usage}${names}`);
    await openssl('req', ...ec, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    const made = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    await openssl('x509', '-req', ...made, ...authority, '-days', days);
  };
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  names.push('kubernetes.default.svc.cluster.local');
  const addresses = ['127.0.0.1', apiServiceAddress, layout.node(1).address];
  const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  await certify('apiserver', '/CN=kube-apiserver', alternatives.join(','));
  await certify('front-proxy', '/CN=front-proxy-client');
  // One for all parts: this cluster is there to try a program, not to try Kubernetes' own permissions.
  await certify('admin', '/O=system:masters/CN=admin');
  await rename(draft, layout.pki);
}

export async function writeKubeconfig(layout: Layout): Promise<void> {
  const read = (name: string) => readFile(join(layout.pki, name), 'utf8');
  const admin: Credentials = { ca: await read('ca.crt'), cert: await read('admin.crt'), key: await read('admin.key') };
  const text = kubeconfig(`https://${layout.node(1).address}:6443`, admin);
  await writeFile(layout.kubeconfig, text, { mode: 0o600 });
}
