import { WeightedPool } from 'evenkeel';
import { Redis } from 'ioredis';

/** Several Redis caches with the same contents, behind one pool: `HOST:PORT,HOST:PORT,...`. */
export function redisPool(nodes: string): WeightedPool<Redis> {
  return new WeightedPool<Redis>({
    registry: `static:${nodes}`,
    connect: async ({ host, port }, { lost }) => {
      // The pool connects anew, with its own backoff, and sends elsewhere meanwhile: Redis' client need not do either.
      const redis = new Redis({ host, port, lazyConnect: true, retryStrategy: () => null, enableOfflineQueue: false });
      redis.on('error', () => {});
      redis.once('end', () => lost('the connection ended'));
      await redis.connect();
      return redis;
    },
    close: (redis) => redis.disconnect(),
    health: (redis) => redis.ping(),
    // What Redis itself says is an answer, unless it says that it cannot work now; all else is the end of this client.
    classify: (error) => {
      const { name, message } = error as Error;
      if (name !== 'ReplyError') return 'dead';
      return /^(LOADING|BUSY|MASTERDOWN|TRYAGAIN)\b/.test(message) ? 'overload' : 'answer';
    },
    // Caches are read: a read may be done twice.
    idempotent: true,
  });
}

// `node docs/examples/pool/redis.ts HOST:PORT,HOST:PORT KEY`
if (import.meta.main) {
  const [nodes = '127.0.0.1:6379', key = 'key'] = process.argv.slice(2);
  const pool = redisPool(nodes);
  console.log(await pool.use((redis) => redis.get(key)));
  await pool.close();
}
