import { classifyByCode, WeightedPool } from 'evenkeel';
import { Client } from 'undici';

/** The server's own word that it has too much to do: another one is asked, and this one gets less. */
class Busy extends Error {}

/** Several HTTP servers that do the same, behind one pool: `HOST:PORT,HOST:PORT,...`. */
export function httpPool(nodes: string): WeightedPool<Client> {
  return new WeightedPool<Client>({
    registry: `static:${nodes}`,
    // undici's client connects when it is used, and again whenever it must.
    connect: ({ host, port }) => new Client(`http://${host}:${port}`),
    close: (client) => client.destroy(),
    health: async (client, { signal }) => {
      const { statusCode, body } = await client.request({ path: '/health', method: 'GET', signal });
      await body.dump();
      if (statusCode !== 200) throw new Error(`health is ${statusCode}`);
    },
    classify: (error) => (error instanceof Busy ? 'overload' : classifyByCode(error)),
    idempotent: true,
  });
}

/** GET, as text. */
export async function get(pool: WeightedPool<Client>, path: string): Promise<string> {
  return pool.use(async (client, { signal }) => {
    const { statusCode, body } = await client.request({ path, method: 'GET', signal });
    const text = await body.text();
    if (statusCode === 503) throw new Busy(`${path}: ${statusCode}`);
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
    return text;
  });
}

// `node docs/examples/pool/http.ts HOST:PORT,HOST:PORT PATH`
if (import.meta.main) {
  const [nodes = '127.0.0.1:8080', path = '/'] = process.argv.slice(2);
  const pool = httpPool(nodes);
  console.log(await get(pool, path));
  await pool.close();
}
