import assert from 'node:assert/strict';
import { it } from 'node:test';
import { answered, type Request, toClusterError } from './error.ts';

const where: Request = { server: 'https://10.0.0.1', namespace: 'demo', verb: 'list' };
/** As the generated calls throw it: with the whole answer as text. */
const exception = (code: number, body?: unknown) =>
  Object.assign(new Error(`HTTP-Code: ${code}\nBody: ${JSON.stringify(body)}`), { code, body: JSON.stringify(body) });

it('a refusal by Kubernetes is told in its own words, in one line, without the rest of its answer', () => {
  const error = toClusterError(exception(500, { message: 'etcd\nis ill', secret: 'sesame' }), where);
  assert.deepEqual(
    [error.code, error.message],
    ['failed', 'the API server https://10.0.0.1 answered 500: etcd is ill'],
  );
  assert.equal(toClusterError(exception(503), where).message, 'the API server https://10.0.0.1 answered 503');
  const long = toClusterError(exception(500, { message: 'x'.repeat(10_000) }), where);
  assert.ok(long.message.length < 600);
});

it('a refusal by Kubernetes says what to do about it', () => {
  const text = (status: number, verb: Request['verb']) => {
    const { code, message } = answered(status, { message: 'so it is' }, { ...where, verb });
    return `${code}: ${message}`;
  };
  assert.equal(
    text(401, 'list'),
    'unauthorized: we cannot list endpointslices (discovery.k8s.io) in the namespace demo: ' +
      'the API server https://10.0.0.1 does not take our token or certificate: so it is',
  );
  assert.equal(
    text(403, 'watch'),
    'forbidden: we may not watch endpointslices (discovery.k8s.io) in the namespace demo: our service account (in a pod) ' +
      'or user needs a Role in that namespace that allows to list and watch them, and a RoleBinding to it: so it is',
  );
  assert.equal(
    text(404, 'list'),
    'failed: we cannot list endpointslices (discovery.k8s.io) in the namespace demo: ' +
      'the API server https://10.0.0.1 has none: is it Kubernetes 1.21 or newer?: so it is',
  );
  assert.equal(answered(410, undefined, where).code, 'gone');
  const ahead = { message: 'Too large resource version', details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } };
  assert.equal(toClusterError(exception(504, ahead), where).code, 'gone');
  assert.equal(toClusterError(exception(504, { message: 'slow' }), where).code, 'failed');
  // As a watch throws it.
  assert.equal(toClusterError(Object.assign(new Error('Gone'), { statusCode: 410 }), where).code, 'gone');
});

it('a request to Kubernetes that was not answered says why, and no token', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' });
  const error = toClusterError(new TypeError('fetch failed', { cause: refused }), where);
  assert.match(
    error.message,
    /^the API server https:\/\/10\.0\.0\.1 cannot be asked: connect ECONNREFUSED 10\.0\.0\.1:443$/,
  );
  const header = new TypeError('Headers.append: "Bearer sesame two" is an invalid header value.');
  assert.doesNotMatch(toClusterError(header, where).message, /sesame|two/);
  assert.equal(
    toClusterError(new Error('no answer within 10 s'), { ...where, server: undefined }).message,
    'the API server cannot be asked: no answer within 10 s',
  );
  // Of several addresses none answered: such an error has no text of its own.
  const many = Object.assign(new AggregateError([refused], ''), { code: 'ECONNREFUSED' });
  assert.match(toClusterError(many, where).message, /cannot be asked: ECONNREFUSED$/);
});
