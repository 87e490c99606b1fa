/** What is printed after an installation: the next commands, as they must be typed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fakeApi } from './fake-api.ts';
import { notes, withHelm } from './support.ts';

withHelm('the notes', () => {
  it('say where the image comes from, what to do next, and what an uninstall leaves', async (test) => {
    const text = await notes(await fakeApi(test, {}));
    assert.match(text, /^ {2}docker build --tag evenkeel:0\.1\.0 \.$/m);
    assert.match(text, /^ {2}kind load docker-image evenkeel:0\.1\.0 /m);
    assert.match(text, /^ {2}kubectl --namespace market rollout status statefulset\/shop-zookeeper$/m);
    assert.match(text, /^ {2}kubectl --namespace market port-forward service\/shop-gateway 8080:8080 & sleep 2$/m);
    assert.match(text, /^ {2}helm test shop --namespace market$/m);
    assert.match(
      text,
      /^ {2}kubectl --namespace market logs --selector app\.kubernetes\.io\/instance=shop,.*=test --tail=-1$/m,
    );
    assert.match(text, /delete pvc --selector app\.kubernetes\.io\/instance=shop,/);
  });

  it('call what the service has', async (test) => {
    const environment = await fakeApi(test, {});
    const calls = async (...set: string[]) =>
      Array.from((await notes(environment, set)).matchAll(/^ {2}curl .*$/gm), ([line]) => line.trim());
    assert.deepEqual(await calls(), ['curl -d 98 http://127.0.0.1:8080/call/pi']);
    assert.deepEqual(await calls('server.module=/app/greeter.ts'), ['curl -d INPUT http://127.0.0.1:8080/call/METHOD']);
  });

  it('of the gateway alone, which knows no service, name no method', async (test) => {
    const environment = await fakeApi(test, {});
    for (const type of ['ClusterIP', 'NodePort', 'LoadBalancer']) {
      const text = await notes(environment, ['global.registry.hosts=zk:2181', `service.type=${type}`], 'gateway');
      assert.match(text, /^ {2}curl -d INPUT http:\/\/\S+\/call\/METHOD$/m, type);
      assert.doesNotMatch(text, /call\/pi/);
    }
  });

  it('say how to see what a load test comes to', async (test) => {
    const environment = await fakeApi(test, {});
    const plain = await notes(environment, ['loadtest.enabled=true', 'loadtest.script=smoke']);
    assert.match(plain, /^k6 runs smoke\.ts against http:\/\/shop-gateway:8080\./m);
    // In a loop, for there are no logs yet while a container is made.
    const follow = /^ {2}until kubectl --namespace market logs --follow job\/shop-loadtest-1; do sleep 2; done$/m;
    assert.match(plain, follow);
    assert.doesNotMatch(plain, /evenkeel loadtest/);
    const scenario = ['loadtest.enabled=true', 'loadtest.scenario=scale', 'server.recordCalls=true'];
    const text = await notes(environment, scenario);
    assert.match(text, follow);
    assert.match(text, /^ {2}kubectl --namespace market get job\/shop-loadtest-1$/m);
    assert.match(text, /^ {2}npm run -s evenkeel -- loadtest report shop-loadtest-report-1 --namespace market$/m);
    assert.match(text, /^ {2}npm run -s evenkeel -- loadtest cleanup shop --namespace market$/m);
    assert.match(text, /^ {2}kubectl --namespace market delete --cascade=foreground job\/shop-loadtest-1$/m);
    assert.match(text, /^ {2}docker build --tag evenkeel:0\.1\.0-loadtest --target loadtest \.$/m);
    assert.doesNotMatch(await notes(environment, [...scenario, 'loadtest.report.configMap=false']), /loadtest report/);
  });

  it('say how an upgrade does not play a load test again', async (test) => {
    const environment = await fakeApi(test, {});
    const upgrades = async (...set: string[]) =>
      Array.from(
        (await notes(environment, set)).matchAll(/^ {2}helm upgrade .* --reuse-values(.*)$/gm),
        ([, end]) => end,
      );
    const [image, more] = [' --set global.image.registry=REGISTRY', ' --set server.replicaCount=6'];
    assert.deepEqual(await upgrades(), [image, more]);
    const off = ' --set loadtest.enabled=false';
    for (const script of ['loadtest.script=smoke', 'loadtest.scenario=scale,server.recordCalls=true']) {
      assert.deepEqual(await upgrades('loadtest.enabled=true', script), [image + off, more + off, off]);
    }
  });

  it('say how the servers are put back to what they were before they wrote calls down', async (test) => {
    const environment = await fakeApi(test, {});
    const back = async (...set: string[]) =>
      /^ {2}helm rollback shop REVISION --namespace market$/m.test(await notes(environment, set));
    assert.equal(await back('loadtest.enabled=true', 'loadtest.scenario=scale', 'server.recordCalls=true'), true);
    assert.equal(await back('loadtest.enabled=true', 'loadtest.script=smoke'), false);
    assert.equal(await back('server.recordCalls=true'), false);
  });

  it('say nothing of what is not there', async (test) => {
    const text = await notes(await fakeApi(test, {}), [
      'global.image.registry=r.io',
      'zookeeper.persistence.whenDeleted=Delete',
      'server.autoscaling.enabled=true',
      'tests.enabled=false',
    ]);
    assert.doesNotMatch(text, /docker build|delete pvc|helm test|replicaCount/);
    assert.match(text, /rollout status deployment\/shop-server/);
  });
});
