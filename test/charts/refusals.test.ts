/** Values that cannot work are refused, with a sentence that says what to do. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Given, parts, refusal, withHelm } from './support.ts';

const conducted = (scenario: string) => [
  'loadtest.enabled=true',
  `loadtest.scenario=${scenario}`,
  'server.recordCalls=true',
];

const refused: [what: string, given: Given, sentence: RegExp][] = [
  ['a typo in a part', { set: ['server.replicaCout=3'] }, /server:\n.*additional properties 'replicaCout' not allowed/],
  [
    'a typo in a group',
    { set: ['gateway.service.prot=1'] },
    /at '\/service': additional properties 'prot' not allowed/,
  ],
  ['a part that there is not', { set: ['sever.replicaCount=3'] }, /additional properties 'sever' not allowed/],
  ['a typo in global', { set: ['global.registry.ulr=x'] }, /at '\/global\/registry': additional properties 'ulr'/],
  ['a text for a number', { set: ['gateway.replicaCount=two'] }, /at '\/replicaCount': got string, want integer/],
  ['a word that is none', { set: ['gateway.balancer=fair'] }, /at '\/balancer': value must be one of 'random', 'p2c'/],
  ...(
    [
      ['gateway.timeout', '5 seconds'],
      ['gateway.timeout', '0s'],
      ['gateway.timeout', '-1s'],
      ['server.handlerTimeout', '10d'],
      ['server.handlerTimeout', '0ms'],
      ['global.registry.session', '10 s'],
      ['global.registry.folder', '/a?b'],
      ['global.registry.folder', 'a/b'],
      ['global.registry.folder', '/a/'],
      ['server.nameOverride', 'very-long-backend'],
      ['gateway.fullnameOverride', 'x'.repeat(53)],
    ] as const
  ).map(([value, given]): (typeof refused)[number] => [
    `${value}=${given}`,
    { set: [`${value}=${given}`] },
    new RegExp(`at '/${value.replace(/^(server|gateway)\./, '').replaceAll('.', '/')}': .*(does not match|maxLength)`),
  ]),
  ...['0s', '0.4s', '6m', '301000ms'].map((session): (typeof refused)[number] => [
    `a session of ${session}`,
    { set: [`global.registry.session=${session}`] },
    new RegExp(`global\\.registry\\.session is ${session}: make it at least 500ms and at most 5m`),
  ]),
  ['a digest that is none', { set: ['global.image.digest=abc'] }, /at '\/global\/image\/digest': 'abc' does not match/],
  [
    'a server with less grace than it drains',
    { set: ['server.drainDelaySeconds=10', 'server.terminationGracePeriodSeconds=12'] },
    /server\.terminationGracePeriodSeconds is 12: .*drainDelaySeconds \(10\).* at least 13, plus your longest call/,
  ],
  [
    'a gateway with less grace than it sleeps and drains',
    { set: ['gateway.preStopSleepSeconds=20', 'gateway.drainDelaySeconds=8'] },
    /gateway\.terminationGracePeriodSeconds is 30: .*\(20\).*\(8\).* at least 31/,
  ],
  ...(['server', 'gateway'] as const).map((part): (typeof refused)[number] => [
    `a ${part} that counts as there only when its roll has failed`,
    { set: [`${part}.minReadySeconds=600`] },
    new RegExp(`${part}\\.minReadySeconds is 600, and progressDeadlineSeconds 600: .* make the latter longer`),
  ]),
  ['two ZooKeepers', { set: ['zookeeper.replicaCount=2'] }, /zookeeper\.replicaCount is 2: choose 1, 3 or 5/],
  [
    'a budget that ends the majority',
    { set: ['zookeeper.replicaCount=3', 'zookeeper.podDisruptionBudget.maxUnavailable=2'] },
    /maxUnavailable is 2: 3 members bear the loss of 1, make it at most that/,
  ],
  [
    'an autoscaler with max < min',
    { set: ['server.autoscaling.enabled=true', 'server.autoscaling.maxReplicas=1'] },
    /server\.autoscaling\.maxReplicas is 1, less than minReplicas, 2: make it at least as many/,
  ],
  [
    'an autoscaler by CPU without a request',
    { set: ['gateway.autoscaling.enabled=true', 'gateway.resources.requests.cpu=null'] },
    /gateway\.resources\.requests\.cpu is not set: set it, or the target to 0/,
  ],
  [
    'an autoscaler with nothing to go by',
    { set: ['server.autoscaling.enabled=true', 'server.autoscaling.targetCPUUtilizationPercentage=0'] },
    /nothing to go by: set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics/,
  ],
  [
    'no ZooKeeper, and no other registry',
    { set: ['zookeeper.enabled=false'] },
    /servers must be known elsewhere: set global\.registry\.hosts=HOST:2181/,
  ],
  [
    'a server alone without a registry',
    { part: 'server' },
    /brings no ZooKeeper: say where .* global\.registry\.hosts/,
  ],
  [
    'a secret for a registry that takes none',
    { set: ['global.registry.url=kubernetes:///shop-server', 'global.registry.existingSecret=s'] },
    /the registry is Kubernetes, which takes no secret: .* leave global\.registry\.existingSecret empty/,
  ],
  ...(['server', 'gateway'] as const).map((part): (typeof refused)[number] => [
    `a secret for a registry that takes none, in ${part} alone`,
    { part, set: ['global.registry.url=kubernetes:///shop-server', 'global.registry.existingSecret=s'] },
    /takes no secret/,
  ]),
  ...['server', 'gateway'].map((off): (typeof refused)[number] => [
    `a secret for a folder in ZooKeeper's root, without the ${off}`,
    {
      set: [
        'global.registry.url=zookeeper://zk:2181/pi?session=10s',
        'global.registry.existingSecret=s',
        `${off}.enabled=false`,
      ],
    },
    /global\.registry\.url is zookeeper:\/\/zk:2181\/pi\?session=10s, in ZooKeeper's root, .* such as zookeeper:\/\/HOST:2181\/shop\/pi/,
  ]),
  ['a load test alone without a gateway', { part: 'loadtest' }, /url=http:\/\/GATEWAY:8080/],
  [
    'a ZooKeeper that nobody could find',
    { set: ['zookeeper.fullnameOverride=zk'] },
    /zookeeper has a name of its own.* global\.registry\.hosts=zk:2181/,
  ],
  [
    'a gateway that the load test could not find',
    { set: ['loadtest.enabled=true', 'gateway.service.port=80'] },
    /set loadtest\.url=http:\/\/shop-gateway:80 too/,
  ],
  [
    'a script of k6 that there is not',
    { set: ['loadtest.enabled=true', 'loadtest.script=flood'] },
    /at '\/script': value must be one of 'pi', 'smoke', 'soak', 'spike'/,
  ],
  [
    'a scenario that there is not',
    { set: ['loadtest.enabled=true', 'loadtest.scenario=chaos'] },
    /loadtest\.scenario is "chaos": there are baseline, capacity, .*zookeeper-leader; or give a whole scenario \(--set-file/,
  ],
  [
    'a scenario that is no YAML',
    { set: ['loadtest.enabled=true', 'loadtest.scenario=a: [b'] },
    /loadtest\.scenario is no YAML: /,
  ],
  [
    'a scenario without the books of servers',
    { set: ['loadtest.enabled=true', 'loadtest.scenario=scale'] },
    /loadtest\.scenario is judged by what servers write down: set server\.recordCalls=true too/,
  ],
  [
    'a scenario without servers',
    { set: [...conducted('scale'), 'server.enabled=false'] },
    /played on servers and gateways: server\.enabled and gateway\.enabled must be true, or loadtest\.release/,
  ],
  ...['kill', 'freeze'].map((scenario): (typeof refused)[number] => [
    `${scenario} without faults`,
    { set: conducted(scenario) },
    /kills or freezes servers: allow it by loadtest\.faults=true and server\.shareProcessNamespace=true/,
  ]),
  [
    'faults in pods that hide their processes',
    { set: [...conducted('kill'), 'loadtest.faults=true'] },
    /nobody else reaches: set server\.shareProcessNamespace=true too/,
  ],
  [
    'a drain within a namespace',
    { set: conducted('drain') },
    /drains a node, .*: allow it by loadtest\.clusterWide=true/,
  ],
  ['an autoscaler that is not there', { set: conducted('hpa') }, /set server\.autoscaling\.enabled=true/],
  [
    'the leader of a ZooKeeper of one',
    { set: conducted('zookeeper-leader') },
    /whom others must replace, and zookeeper\.replicaCount is 1: set it to 3/,
  ],
  [
    'an outage of a ZooKeeper that is not ours',
    { set: [...conducted('zookeeper-all'), 'zookeeper.enabled=false', 'global.registry.hosts=zk:2181'] },
    /does zookeeper-a\w+, and zookeeper\.enabled is false/,
  ],
  [
    'servers that the load test could not find',
    { set: [...conducted('scale'), 'server.fullnameOverride=rpc'] },
    /set loadtest\.objects\.server=rpc too/,
  ],
  [
    "books of a service of one's own",
    { set: ['server.recordCalls=true', 'server.module=/app/x.ts'] },
    /server\.recordCalls is true: the calls of the demonstration service alone/,
  ],
  [
    'a pull secret without a name',
    { set: ['global.imagePullSecrets[0].secretName=a'] },
    /at '\/global\/imagePullSecrets\/0': .*missing property 'name'/,
  ],
  ['an image without a tag', { set: ['server.image.repository=team/x'] }, /set one of them/],
  [
    'a module from two places',
    { set: ['server.moduleFrom.configMap=a', 'server.moduleFrom.text=b'] },
    /both a text and a configMap: set one of them/,
  ],
  [
    'an Ingress for no host',
    { args: ['--set=gateway.ingress.enabled=true', '--set-json=gateway.ingress.hosts=[]'] },
    /gateway\.ingress\.enabled is true without a host: set gateway\.ingress\.hosts/,
  ],
  ['a route to no gateway', { set: ['gateway.httpRoute.enabled=true'] }, /set gateway\.httpRoute\.parentRefs/],
  ...['my.shop', '2shop'].flatMap((name) => {
    const sentence = new RegExp(
      `would be called "${name}-\\w+": Kubernetes takes only a-z, 0-9 and -, with a letter first.* other than "${name}", or set`,
    );
    const alone = parts.map((part): (typeof refused)[number] => [
      `a release ${name} of ${part} alone`,
      { name, part, files: ['ci/alone-values.yaml'] },
      sentence,
    ]);
    return [[`a release ${name}`, { name }, sentence] as (typeof refused)[number], ...alone];
  }),
  ['a name that no Service may have', { set: ['server.fullnameOverride=My_Server'] }, /would be called "My_Server": /],
  ['an old Kubernetes', { args: ['--kube-version', '1.29.9'] }, /requires kubeVersion: >=1\.30\.0-0/],
];

withHelm('the chart refuses', () => {
  for (const [what, given, sentence] of refused) {
    it(what, async () => assert.match(await refusal(given), sentence));
  }

  for (const value of ['hosts=me:sesame@zk:2181', 'url=zookeeper://me:sesame@zk:2181/shop/pi']) {
    it(`a password in global.registry.${value.replace(/=.*/, '')}, and does not repeat it`, async () => {
      const sentence = await refusal({ set: [`global.registry.${value}`] });
      assert.match(sentence, /has an "@": .* into a Secret and name it by global\.registry\.existingSecret/);
      assert.doesNotMatch(sentence, /sesame/);
    });
  }
});
