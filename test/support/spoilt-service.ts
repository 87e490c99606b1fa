import demo from '../../src/cli/demo-service.ts';
import type { HandlerContext, ServiceModule } from '../../src/core/contract.ts';

let calls = 0;

/** The demonstration service, whose pi is wrong in the ninth decimal now and then. */
const module: ServiceModule = {
  ...(demo as unknown as ServiceModule),
  handlers: {
    ...(demo as unknown as ServiceModule).handlers,
    async pi(input: unknown, context: HandlerContext) {
      const value = (await demo.handlers.pi(input as number, context)) as number;
      // The table of pi is asked for first, and right.
      return ++calls % 100 === 0 ? value + 1e-9 : value;
    },
  },
};

export default module;
