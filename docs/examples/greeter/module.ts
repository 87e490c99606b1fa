import { RpcError, type ServiceModule } from 'evenkeel';
import { greeter } from './contract.ts';

const visits = new Map<string, number>();

/** `evenkeel serve docs/examples/greeter/module.ts --registry URL` serves this. */
export default {
  service: greeter,
  handlers: {
    greet: ({ name, language }) => (language === 'fr' ? `Bonjour, ${name}` : `Hello, ${name}`),
    visit({ name }, { log }) {
      if (name === 'nobody') throw new RpcError('FAILED_PRECONDITION', 'nobody cannot visit');
      const count = (visits.get(name) ?? 0) + 1;
      visits.set(name, count);
      log.debug({ name, count }, 'a visit');
      return count;
    },
  },
  health: () => ({ status: 'ok', guests: visits.size }),
} satisfies ServiceModule<typeof greeter.methods>;
