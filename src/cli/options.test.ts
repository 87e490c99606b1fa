import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration, timeText } from './option-values.ts';
import { type OptionName, type OptionSpec, options } from './options.ts';

const table = Object.entries(options) as unknown as [OptionName, OptionSpec<unknown>][];

/** What the option reads, or what it says against it. */
function read(name: OptionName, text: string): unknown {
  try {
    return options[name].parse(text);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the option table', () => {
  it('has a flag in lower case, words for the help and a variable of its own in each row', () => {
    assert.ok(table.length > 20);
    for (const [name, { flag, env, help }] of table) {
      assert.match(flag, /^[a-z]+(-[a-z]+)*$/);
      assert.equal(
        flag,
        name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      );
      assert.match(help, /^[^A-Z].*[^.]$/s, `${name}: a phrase, not a sentence`);
      if (env !== undefined) assert.equal(env, `EVENKEEL_${flag.replaceAll('-', '_').toUpperCase()}`);
    }
    const variables = table.flatMap(([, { env }]) => env ?? []);
    assert.equal(new Set(variables).size, variables.length);
  });

  it('takes each default that it names', () => {
    for (const [name, { default: fallback, parse }] of table) {
      if (fallback !== undefined) assert.doesNotThrow(() => parse(fallback), name);
    }
  });

  it('reads no variable that Kubernetes sets for a Service, whatever the Service is called', () => {
    /** As kubelet makes them, behind the Service's name in capitals. */
    const link = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
    for (const set of [
      'EVENKEEL_PORT',
      'EVENKEEL_SERVER_SERVICE_HOST',
      'EVENKEEL_GATEWAY_SERVICE_PORT',
      'EVENKEEL_GATEWAY_SERVICE_PORT_HTTP',
      'EVENKEEL_GATEWAY_PORT_8080_TCP_ADDR',
    ]) {
      assert.match(set, link);
    }
    const variables = ['EVENKEEL_REGISTRY_AUTH', 'EVENKEEL_REGISTRY_AUTH_FILE', 'EVENKEEL_WORKER'];
    for (const [, { env }] of table) if (env !== undefined) variables.push(env);
    for (const variable of variables) assert.doesNotMatch(variable, link);
  });

  it('has no option that takes a secret', () => {
    for (const [name, { flag }] of table) assert.doesNotMatch(flag, /auth|password|secret|token/, name);
  });
});

describe('what options take', () => {
  const time = (min: string, max: string) => `expected a time from ${min} to ${max}, such as 500ms, 5s or 1m`;
  const cases: [OptionName, string, unknown][] = [
    ['listen', '0.0.0.0:0', '0.0.0.0:0'],
    ['listen', '[::1]:7000', '[::1]:7000'],
    ['listen', '7000', '"7000" is no address: expected HOST:PORT'],
    ['listen', '127.0.0.1:65536', '"127.0.0.1:65536" has no valid port: expected 0..65535'],
    ['listen', 'tcp://10.0.0.1:8080', '"tcp://10.0.0.1:8080" is no address: expected HOST:PORT'],
    ['listen', '', '"" is no address: expected HOST:PORT'],
    ['advertise', 'pod-1.servers', 'pod-1.servers'],
    ['advertise', '10.0.0.1:7000', '10.0.0.1:7000'],
    ['advertise', '[fd00::1]', '[fd00::1]'],
    ['advertise', '10.0.0.1:0', '"10.0.0.1:0" has no valid port: expected 1..65535'],
    ['advertise', 'fd00::1', '"fd00::1" is no address: expected HOST:PORT'],
    ['ops', 'off', undefined],
    ['ops', '127.0.0.1:9090', '127.0.0.1:9090'],
    ['rpc', 'on', '"on" is no address: expected HOST:PORT'],
    ['processes', '1', 1],
    ['processes', '1024', 1_024],
    ['processes', '0', 'expected a whole number from 1 to 1024'],
    ['processes', '1025', 'expected a whole number from 1 to 1024'],
    ['processes', '2.5', 'expected a whole number from 1 to 1024'],
    ['processes', '-1', 'expected a whole number from 1 to 1024'],
    ['processes', '1e2', 'expected a whole number from 1 to 1024'],
    ['processes', '', 'expected a whole number from 1 to 1024'],
    ['threads', '0', 0],
    ['threads', '257', 'expected a whole number from 0 to 256'],
    ['weight', '65536', 65_536],
    ['weight', '0', 'expected a whole number from 1 to 65536'],
    ['drainDelay', '0', 0],
    ['drainDelay', '250', 250],
    ['drainDelay', '1.5m', 90_000],
    ['drainDelay', '601s', time('0ms', '10m')],
    ['drainDelay', '5 s', time('0ms', '10m')],
    ['drainDelay', '-5s', time('0ms', '10m')],
    ['grace', '1h', 3_600_000],
    ['timeout', '0', time('1ms', '2147483647ms')],
    ['timeout', 'soon', time('1ms', '2147483647ms')],
    ['handlerTimeout', '10s', 10_000],
    ['balancer', 'p2c', 'p2c'],
    ['balancer', 'best', 'expected one of random, p2c, round-robin, least-requests, latency, load, hash'],
    ['logLevel', 'trace', 'expected one of debug, info, warn, error, silent'],
    ['service', '', 'expected a value'],
    ['repeat', '0', 0],
  ];
  for (const [name, text, expected] of cases) {
    it(`--${options[name].flag} '${text}': ${expected}`, () => assert.equal(read(name, text), expected));
  }
});

it('a time is said as it would be typed', () => {
  for (const text of ['0ms', '1ms', '1500ms', '1s', '90s', '2m', '1h', '25h']) {
    assert.equal(timeText(duration(0, 1e9)(text)), text);
  }
});
