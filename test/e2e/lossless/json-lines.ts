import type { Readable } from 'node:stream';

/** The objects of a stream that has one in each line. Lines that are none are passed over: a container logs as well. */
export async function* jsonLines<T>(stream: Readable): AsyncGenerator<T> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('{')) yield JSON.parse(line) as T;
  }
}
