/**
 * The jars of Apache ZooKeeper, fetched by Maven once and kept in `.cache/`. Some machines have no Java, no Maven or no
 * network: then tests say why they did not run against it.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freshId } from '../../src/core/random.ts';

export const apacheZooKeeperVersion = '3.9.4';

const run = promisify(execFile);
const cache = join(import.meta.dirname, '../../.cache');
const home = join(cache, `zookeeper-${apacheZooKeeperVersion}`);

/** What a standalone server needs. metrics-core and snappy are loaded by name at its start; Jetty is not, as the admin server is off. */
const artifacts = [
  `org.apache.zookeeper:zookeeper:${apacheZooKeeperVersion}`,
  'io.dropwizard.metrics:metrics-core:4.1.12.1',
  'org.xerial.snappy:snappy-java:1.1.10.5',
  'ch.qos.logback:logback-classic:1.3.15',
];

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>evenkeel.test</groupId><artifactId>zookeeper</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`;
}

const logback = `<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%d{ISO8601} [%t] %-5level %logger{1} - %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="OUT"/></root></configuration>
`;

let fetched: Promise<string> | undefined;

/**
 * The folder with `lib/*.jar` and `logback.xml`. Rejects with a sentence that says what is missing.
 * Several processes may want it at once: each builds its own copy, the first to rename wins.
 */
export function apacheZooKeeperHome(): Promise<string> {
  fetched ??= fetch();
  return fetched;
}

async function fetch(): Promise<string> {
  await run('java', ['-version'], { timeout: 60_000 }).catch((cause) => {
    throw new Error(`there is no working java on PATH (${firstLine(cause)})`);
  });
  if (await exists(home)) return home;
  const draft = join(cache, `zookeeper-${apacheZooKeeperVersion}.${freshId()}`);
  try {
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'logback.xml'), logback);
    await fetchJars(artifacts, join(draft, 'lib'), draft);
    await rename(draft, home).catch(async (cause) => {
      if (!(await exists(home))) throw cause;
    });
    return home;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Fetches jars by Maven, with all that they need.
 * @param artifacts `group:name:version`
 * @param lib A folder that is made for them.
 * @param scratch A folder that there is, for a pom.xml.
 */
export async function fetchJars(artifacts: readonly string[], lib: string, scratch: string): Promise<void> {
  await writeFile(join(scratch, 'pom.xml'), pom(artifacts));
  const goals = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${lib}`];
  await run('mvn', goals, { cwd: scratch, timeout: 300_000 }).catch((cause) => {
    throw new Error(`Maven could not fetch ${artifacts[0]} (${firstLine(cause)})`);
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function firstLine(error: unknown): string {
  const { message, stdout } = error as { message?: string; stdout?: string };
  const lines = `${stdout ?? ''}\n${message ?? error}`.split('\n').map((line) => line.trim());
  return lines.find((line) => line !== '') ?? 'no reason given';
}
